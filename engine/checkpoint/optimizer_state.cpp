#include "engine/checkpoint/optimizer_state.h"

#include <algorithm>

#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/transfer.h"

namespace gradus {

namespace {

struct Part {  // the state of one weight, as a row of its arena
    SafetensorsWriter::Declared declared;
    Tensor value;
};

std::vector<Part> parts_of(Model& model, Optimizer& optimizer) {
    const Optimizer::State state = optimizer.state();
    std::vector<Part> all;
    for (const auto& [kind, arena] : {std::pair{"m.", state.m}, {"v.", state.v}, {"master.", state.master}}) {
        if (!arena) continue;
        for (const Weight& w : model.weights()) {
            const Shape& s = w.spec.shape;
            const std::vector<int64_t> shape(s.dim.begin(), s.dim.begin() + s.rank);
            const Tensor flat = arena.view({arena.size(), 1}).slice(w.first, s.size());
            all.push_back({{kind + w.name, stored_name(arena.dtype), shape}, flat});
        }
    }
    return all;
}

void check(const SafetensorsFile& file, const std::vector<Part>& parts) {
    auto refuse = [&](const std::string& cause) {
        throw Error("the optimizer's state does not fit the model: '" + file.path().string() + "'", cause,
                    "resume with the recipe that this checkpoint was made with");
    };
    for (const Part& p : parts) {
        const SafetensorsFile::Entry* e = file.find(p.declared.name);
        if (!e) refuse("it has no tensor '" + p.declared.name + "'");
        if (e->shape != p.declared.shape || e->dtype != p.declared.dtype)
            refuse("tensor '" + e->name + "' is " + e->dtype + " " + shape_text(e->shape) + " instead of " +
                   p.declared.dtype + " " + shape_text(p.declared.shape));
    }
    if (file.entries().size() != parts.size()) refuse("it has tensors that this model does not have");
}

}  // namespace

StoredFile save_optimizer(const fs::path& folder, Model& model, Optimizer& optimizer) {
    const std::vector<Part> parts = parts_of(model, optimizer);
    std::vector<SafetensorsWriter::Declared> declared;
    for (const Part& p : parts) declared.push_back(p.declared);
    SafetensorsWriter file(folder, optimizer_name, declared);
    std::vector<std::byte> host;
    constexpr int64_t at_once = 1 << 20;  // elements
    for (const Part& p : parts)
        for (int64_t first = 0; first < p.value.rows(); first += at_once) {
            const Tensor piece = p.value.slice(first, std::min(at_once, p.value.rows() - first));
            host.resize(piece.bytes());
            copy_out(model.run, {host.data(), element_of(piece.dtype), 1, 1}, piece);
            file.write(host.data(), host.size());
        }
    return file.commit();
}

void check_optimizer(const fs::path& folder, Model& model, Optimizer& optimizer) {
    check(SafetensorsFile(folder / optimizer_name), parts_of(model, optimizer));
}

void load_optimizer(const fs::path& folder, Model& model, Optimizer& optimizer) {
    const SafetensorsFile file(folder / optimizer_name);
    const std::vector<Part> parts = parts_of(model, optimizer);
    check(file, parts);
    for (const Part& p : parts)
        copy_in(model.run, p.value, {file.find(p.declared.name)->data, element_of(p.value.dtype), 1, 1});
}

}  // namespace gradus
