#include "engine/checkpoint/manifest.h"

#include "engine/base/error.h"
#include "engine/base/json_text.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

constexpr int format = 1;

// Bytes that are not UTF-8 (a recipe may contain any) become U+FFFD, so they cannot prevent a checkpoint.
std::string text_of(const nlohmann::json& j, int indent) {
    return j.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Whether the name is a normalised path inside the folder.
bool plain(const std::string& name) {
    const fs::path path(name);
    return !name.empty() && name.find('\0') == std::string::npos && path.is_relative() &&
           path == path.lexically_normal() && *path.begin() != "..";
}

nlohmann::json json_of(const StabilityState& s) {
    return {{"losses", s.losses},           {"norms", s.norms},
            {"skipped", s.skipped},         {"skipped_in_a_row", s.skipped_in_a_row},
            {"data_offset", s.data_offset}, {"rate", s.rate},
            {"diverged_at", s.diverged_at}, {"rolled_back_to", s.rolled_back_to}};
}

bool is_count(const nlohmann::json& n) { return n.is_number_unsigned() && n.get<uint64_t>() <= uint64_t(INT64_MAX); }

// False if json_of() would not write it.
bool read_stability(const nlohmann::json& j, StabilityState& s) {
    if (!j.is_object()) return false;
    for (auto [key, list] : {std::pair{"losses", &s.losses}, {"norms", &s.norms}}) {
        if (!j.contains(key) || !j[key].is_array()) return false;
        for (const nlohmann::json& x : j[key]) {
            if (!x.is_number()) return false;
            list->push_back(x);
        }
    }
    for (auto [key, count] : {std::pair{"skipped", &s.skipped},
                              {"skipped_in_a_row", &s.skipped_in_a_row},
                              {"data_offset", &s.data_offset}}) {
        if (!j.contains(key) || !is_count(j[key])) return false;
        *count = j[key];
    }
    // Absent in older versions.
    for (auto [key, count] : {std::pair{"diverged_at", &s.diverged_at}, {"rolled_back_to", &s.rolled_back_to}}) {
        if (!j.contains(key)) continue;
        if (!is_count(j[key])) return false;
        *count = j[key];
    }
    if (!j.contains("rate") || !j["rate"].is_number()) return false;
    s.rate = j["rate"];
    return s.losses.size() == s.norms.size() && s.rate > 0;
}

nlohmann::json json_of(const BestValidation& b) {
    nlohmann::json j = {{"step", b.step}, {"without", b.without}, {"kept", b.kept}};
    if (b.step > 0) j["loss"] = b.loss;
    return j;
}

bool read_best(const nlohmann::json& j, BestValidation& b) {
    if (!j.is_object()) return false;
    for (auto [key, count] : {std::pair{"step", &b.step}, {"without", &b.without}}) {
        if (!j.contains(key) || !is_count(j[key])) return false;
        *count = j[key];
    }
    if (!j.contains("kept") || !j["kept"].is_boolean()) return false;
    b.kept = j["kept"];
    if (b.step == 0) return true;
    if (!j.contains("loss") || !j["loss"].is_number()) return false;
    b.loss = j["loss"];
    return true;
}

bool read_steps(const nlohmann::json& j, std::vector<int64_t>& steps) {
    if (!j.is_array()) return false;
    for (const nlohmann::json& step : j) {
        if (!is_count(step) || (!steps.empty() && step.get<int64_t>() <= steps.back())) return false;
        steps.push_back(step);
    }
    return true;
}

bool read_checksum(const nlohmann::json& j, uint64_t& checksum) {
    if (!j.is_string()) return false;
    const std::string digits = j;
    if (digits.size() != 16 || digits.find_first_not_of("0123456789abcdef") != std::string::npos) return false;
    checksum = std::stoull(digits, nullptr, 16);
    return true;
}

// Small files have one block, which is not listed; older versions wrote no blocks.
bool read_blocks(const nlohmann::json& about, StoredFile& f) {
    if (!about.contains("block") && !about.contains("blocks")) return true;
    if (!about.contains("block") || !about.contains("blocks") || !about["block"].is_number_unsigned() ||
        about["block"] == 0u || !about["blocks"].is_array())
        return false;
    f.block = about["block"];
    for (const nlohmann::json& sum : about["blocks"]) {
        uint64_t checksum = 0;
        if (!read_checksum(sum, checksum)) return false;
        f.blocks.push_back(checksum);
    }
    return f.blocks.size() == f.bytes / f.block + (f.bytes % f.block > 0);
}

nlohmann::json json_of(const StoredFile& f) {
    nlohmann::json j = {{"bytes", f.bytes}, {"xxh3_64", hexadecimal(f.checksum)}};
    if (f.blocks.empty()) return j;
    j["block"] = f.block;
    for (uint64_t sum : f.blocks) j["blocks"].push_back(hexadecimal(sum));
    return j;
}

struct ReadManifest {
    Manifest manifest;
    std::string problem;
};

ReadManifest parse(const std::string& text) {
    JsonText read = try_parse_json(text);
    if (!read.problem.empty()) return {{}, read.problem};
    nlohmann::json& j = read.value;
    if (!j.is_object() || !j.contains("xxh3_64") || !j["xxh3_64"].is_string()) return {{}, "it has no checksum"};
    const std::string sum = j["xxh3_64"];
    j.erase("xxh3_64");
    if (hexadecimal(checksum_of(text_of(j, -1))) != sum)
        return {{}, "it was edited or damaged: its checksum does not match"};

    // The checksum is right: some version of this program wrote the manifest.
    if (!j.contains("format") || j["format"] != format)
        return {{},
                "its format is " + (j.contains("format") ? shown(j["format"].dump()) : "unnamed") +
                    ", and this program reads format " + std::to_string(format)};
    for (const char* key : {"step", "tokens"})
        if (!j.contains(key) || !is_count(j[key])) return {{}, std::string("it has no count \"") + key + "\""};
    if (!j.contains("seed") || !j["seed"].is_number_unsigned()) return {{}, "it has no count \"seed\""};
    for (const char* key : {"dtype", "recipe", "compatible"})
        if (!j.contains(key) || !j[key].is_string()) return {{}, std::string("it has no text \"") + key + "\""};
    if (!j.contains("files") || !j["files"].is_object()) return {{}, "it has no object \"files\""};

    Manifest m = {{j["step"], j["tokens"], j["seed"], j["recipe"], j["compatible"]}, j["dtype"], {}};
    // Absent in older versions.
    if (j.contains("stability") && !read_stability(j["stability"], m.state.stability))
        return {{}, "its object \"stability\" is not what this program writes"};
    if (j.contains("rollback_targets") && !read_steps(j["rollback_targets"], m.state.rollback_targets.emplace()))
        return {{}, "its list \"rollback_targets\" is not what this program writes"};
    if (j.contains("best") && !read_best(j["best"], m.state.best))
        return {{}, "its object \"best\" is not what this program writes"};
    if (j.contains("stage")) m.state.stage = j["stage"].dump();
    for (const auto& [name, about] : j["files"].items()) {
        if (!plain(name)) return {{}, shown(name) + " is not the name of a file in the folder"};
        if (!about.is_object() || !about.contains("bytes") || !is_count(about["bytes"]) || !about.contains("xxh3_64") ||
            !about["xxh3_64"].is_string())
            return {{}, "it does not say the size and checksum of " + shown(name)};
        StoredFile f = {name, about["bytes"]};
        if (!read_checksum(about["xxh3_64"], f.checksum))
            return {{}, "the checksum of " + shown(name) + " is not 16 hexadecimal digits"};
        if (!read_blocks(about, f))
            return {{}, "the checksums of the blocks of " + shown(name) + " are not what this program writes"};
        m.files.push_back(std::move(f));
    }
    return {std::move(m), ""};
}

const char* use_another = "use an older checkpoint of the same run, or a copy of this one";

}  // namespace

void write_manifest(const fs::path& folder, const Manifest& m) {
    nlohmann::json files = nlohmann::json::object();
    for (const StoredFile& f : m.files) files[f.name] = json_of(f);
    nlohmann::json j = {{"format", format},
                        {"step", m.state.step},
                        {"tokens", m.state.tokens},
                        {"seed", m.state.seed},
                        {"dtype", m.dtype},
                        {"recipe", m.state.recipe},
                        {"compatible", m.state.compatible},
                        {"stability", json_of(m.state.stability)},
                        {"files", files}};
    if (m.state.rollback_targets) j["rollback_targets"] = *m.state.rollback_targets;
    if (m.state.best != BestValidation{}) j["best"] = json_of(m.state.best);
    if (!m.state.stage.empty()) j["stage"] = parse_json(m.state.stage, manifest_name, "report this");
    // The checksum is of the text with U+FFFD in place of bytes that are not UTF-8.
    j = parse_json(text_of(j, -1), manifest_name, "report this");
    j["xxh3_64"] = hexadecimal(checksum_of(text_of(j, -1)));
    write_file_atomically(folder / manifest_name, text_of(j, 2) + "\n");
}

Manifest read_manifest(const fs::path& folder) {
    const fs::path path = folder / manifest_name;
    std::error_code ignored;
    if (!fs::exists(path, ignored))
        throw Error("'" + folder.string() + "' is not a checkpoint to resume from",
                    "it has no " + std::string(manifest_name),
                    "give a folder RUN/checkpoints/step-… that this program wrote");
    ReadManifest read = parse(read_file(path));
    if (!read.problem.empty()) throw Error("'" + path.string() + "' cannot be used", read.problem, use_another);
    return std::move(read.manifest);
}

std::string what_is_missing(const fs::path& folder) {
    const fs::path path = folder / manifest_name;
    std::error_code problem;
    if (!fs::is_regular_file(path, problem)) return std::string("it has no ") + manifest_name;
    const ReadManifest read = parse(read_file(path));
    if (!read.problem.empty()) return std::string(manifest_name) + ": " + read.problem;
    for (const StoredFile& f : read.manifest.files) {
        const uint64_t bytes = fs::file_size(folder / f.name, problem);
        if (problem) return "it has no " + f.name;
        if (bytes != f.bytes)
            return f.name + " has " + std::to_string(bytes) + " bytes instead of " + std::to_string(f.bytes);
    }
    return "";
}

}  // namespace gradus
