#include "data/file_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "data/byte_source.h"
#include "data/text.h"
#include "data/text_content.h"
#include "engine/base/error.h"

namespace gradus {

namespace fs = std::filesystem;

namespace {

std::string in_small_letters(const fs::path& name) {
    std::string text = name.string();
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    return text;
}

constexpr const char* known_names =
    ".txt, .md, .html, .jsonl, or source code and the like, each also with .gz or .zst appended";

// Prose and source code. Tables, settings and logs (.csv .json .xml .log …) in folders are skipped.
constexpr std::string_view text_extensions[] = {
    ".txt", ".text",  ".md",    ".markdown", ".rst",  ".org", ".adoc",  ".asciidoc", ".tex", ".py",  ".c",    ".h",
    ".cc",  ".cpp",   ".cxx",   ".hh",       ".hpp",  ".hxx", ".cu",    ".cuh",      ".rs",  ".go",  ".java", ".kt",
    ".js",  ".mjs",   ".ts",    ".tsx",      ".jsx",  ".php", ".rb",    ".pl",       ".pm",  ".sh",  ".bash", ".zsh",
    ".lua", ".r",     ".jl",    ".hs",       ".ml",   ".mli", ".clj",   ".ex",       ".exs", ".erl", ".el",   ".lisp",
    ".scm", ".sql",   ".swift", ".m",        ".cs",   ".fs",  ".scala", ".f",        ".f90", ".asm", ".s",    ".v",
    ".vhd", ".proto", ".cmake", ".css",      ".dart", ".zig", ".nim",   ".pas",      ".ada", ".adb", ".tcl",
};

constexpr size_t max_kinds = 200;
constexpr size_t head_bytes = 64 << 10;

std::string ending_of(const fs::path& path) {
    const std::string name = in_small_letters(path.filename());
    const fs::path bare = without_compression(name);
    const std::string ending = bare.extension().string() + name.substr(bare.string().size());
    return ending.empty() ? "without ending" : ending.size() > 24 ? "with a long ending" : ending;
}

class Collector {
public:
    void add_file(const fs::path& path, std::optional<FileKind> kind) {
        struct stat info {};
        if (::stat(path.c_str(), &info) != 0) {
            if (list.broken_links++ == 0) first_broken_link = path;
        } else if (!S_ISREG(info.st_mode)) {
            add_other("pipe, socket or device", path);
        } else if (!kind) {
            add_other(ending_of(path), path);
        } else if (!seen_.insert({info.st_dev, info.st_ino}).second) {
            ++list.repeated;
        } else {
            list.files.push_back({path, *kind});
        }
    }

    void add_folder(const fs::path& folder) {
        std::vector<fs::path> found;
        walk(folder, found);
        std::sort(found.begin(), found.end(),
                  [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
        for (const fs::path& path : found) add_file(path, kind_of(path));
    }

    FileList list;
    fs::path first_broken_link;

private:
    void add_other(std::string kind, const fs::path& path) {
        if (list.other_kinds.size() >= max_kinds && !list.other_kinds.count(kind)) kind = "with further endings";
        OtherKind& other = list.other_kinds[kind];
        if (other.files++ == 0) other.example = path.string();
    }

    // The files below a folder. Folders are visited in the order of their paths as bytes, each real folder once, so the
    // walk ends even if links form a cycle, and a folder is listed under the first of its names.
    void walk(const fs::path& root, std::vector<fs::path>& found) {
        std::vector<fs::path> waiting = {root};
        while (!waiting.empty()) {
            const fs::path folder = std::move(waiting.back());
            waiting.pop_back();
            struct stat info {};
            if (::stat(folder.c_str(), &info) == 0 && !seen_.insert({info.st_dev, info.st_ino}).second) {
                ++list.repeated_folders;
                continue;
            }
            std::error_code failure, ignored;
            if (folder != root && fs::is_symlink(folder, ignored)) list.linked_folders.push_back(folder);
            std::vector<fs::path> folders;
            for (fs::directory_iterator at(folder, failure), end; !failure && at != end; at.increment(failure))
                (at->is_directory(ignored) ? folders : found).push_back(at->path());
            if (failure)
                throw Error("cannot list the folder '" + folder.string() + "'", failure.message(),
                            "make it and everything below it readable: ls -lR " + root.string());
            std::sort(folders.begin(), folders.end(),
                      [](const fs::path& a, const fs::path& b) { return a.native() + '/' > b.native() + '/'; });
            waiting.insert(waiting.end(), folders.begin(), folders.end());
        }
    }

    std::set<std::pair<dev_t, ino_t>> seen_;  // files and folders
};

// The kind of a file that the user named and whose extension says nothing.
FileKind kind_by_content(const fs::path& path) {
    bool complete = false;
    const std::string why = why_not_text(read_bytes(path, head_bytes, complete));
    if (!why.empty())
        throw Error("'" + path.string() + "' is not text", why + ", and its name does not end in " + known_names,
                    "convert it to text first, or remove it from the inputs");
    return FileKind::text;
}

}  // namespace

int64_t FileList::of_other_kinds() const {
    int64_t sum = 0;
    for (const auto& [kind, other] : other_kinds) sum += other.files;
    return sum;
}

std::string text_of(const std::map<std::string, OtherKind>& kinds) {
    constexpr size_t shown = 6;
    std::vector<std::pair<std::string, OtherKind>> sorted(kinds.begin(), kinds.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.second.files > b.second.files; });
    std::string text;
    for (size_t i = 0; i < std::min(shown, sorted.size()); ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(sorted[i].second.files) + " " + sorted[i].first + " ('" +
                sorted[i].second.example + "')";
    if (sorted.size() > shown) text += ", and " + counted(int64_t(sorted.size() - shown), "kind", "kinds") + " more";
    return text;
}

std::optional<FileKind> kind_of(const fs::path& path) {
    const std::string ending = without_compression(in_small_letters(path.filename())).extension().string();
    if (ending == ".jsonl" || ending == ".ndjson") return FileKind::jsonl;
    if (ending == ".html" || ending == ".htm" || ending == ".xhtml" || ending == ".xht") return FileKind::html;
    for (const std::string_view text : text_extensions)
        if (ending == text) return FileKind::text;
    return std::nullopt;
}

FileList list_files(const std::vector<fs::path>& inputs, Pipes pipes) {
    Collector collector;
    std::string named;
    for (const fs::path& input : inputs) {
        named += (named.empty() ? "'" : ", '") + input.string() + "'";
        std::error_code failure;
        const fs::file_status status = fs::status(input, failure);
        if (!fs::exists(status))
            throw Error("there is no file or folder '" + input.string() + "'",
                        failure ? failure.message() : "no such file or directory",
                        "check the path: ls -l " + input.string());
        if (fs::is_directory(status)) {
            collector.add_folder(input);
        } else if (fs::is_fifo(status) && pipes == Pipes::read) {
            collector.list.files.push_back({input, FileKind::text});
        } else if (!fs::is_regular_file(status)) {
            throw Error("'" + input.string() + "' is not a file",
                        "it is a pipe, a socket or a device, which has no size",
                        "write its content to a file: cat " + input.string() + " > texts.txt");
        } else {
            const auto kind = kind_of(input);
            collector.add_file(input, kind ? *kind : kind_by_content(input));
        }
    }
    const FileList& list = collector.list;
    if (list.files.empty()) {
        std::string cause;
        if (list.broken_links > 0)
            cause = counted(list.broken_links, "link is", "links are") + " broken, the first is '" +
                    collector.first_broken_link.string() + "'";
        const int64_t others = list.of_other_kinds();
        if (others > 0 || cause.empty())
            cause += (cause.empty() ? "" : "; ") + counted(others, "file is", "files are") +
                     " there, but none is named " + known_names +
                     (others > 0 ? ": " + text_of(list.other_kinds) : std::string());
        throw Error("no documents in " + (named.empty() ? "an empty list of inputs" : named), cause,
                    others > 0 ? "give a file, which may have any name if it is text, or a folder with such files"
                               : "give a file or a folder with such files");
    }
    return std::move(collector.list);
}

}  // namespace gradus
