#include "data/file_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "data/text.h"
#include "engine/base/error.h"

namespace gradus {

namespace fs = std::filesystem;

namespace {

std::string in_small_letters(const fs::path& name) {
    std::string text = name.string();
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    return text;
}

constexpr const char* known_names = ".txt, .html, .htm, .xhtml or .jsonl, alone or with .gz or .zst behind";

class Collector {
public:
    void add_file(const fs::path& path, FileKind kind) {
        struct stat info {};
        if (::stat(path.c_str(), &info) != 0) {
            if (list.broken_links++ == 0) first_broken_link = path;
        } else if (!S_ISREG(info.st_mode)) {
            ++list.of_other_kinds;
        } else if (!seen_.insert({info.st_dev, info.st_ino}).second) {
            ++list.repeated;
        } else {
            list.files.push_back({path, kind});
        }
    }

    void add_folder(const fs::path& folder) {
        std::error_code failure;
        std::vector<fs::path> found;
        for (fs::recursive_directory_iterator at(folder, failure), end; !failure && at != end; at.increment(failure)) {
            std::error_code broken;
            if (!at->is_directory(broken)) found.push_back(at->path());
        }
        if (failure)
            throw Error("cannot list the folder '" + folder.string() + "'", failure.message(),
                        "make it and what is below it readable: ls -lR " + folder.string());
        std::sort(found.begin(), found.end(),
                  [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
        for (const fs::path& path : found) {
            const auto kind = kind_of(path);
            if (kind) add_file(path, *kind);
            else ++list.of_other_kinds;
        }
    }

    FileList list;
    fs::path first_broken_link;

private:
    std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

std::optional<FileKind> kind_of(const fs::path& path) {
    fs::path name = in_small_letters(path.filename());
    if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
    const fs::path extension = name.extension();
    if (extension == ".txt") return FileKind::text;
    if (extension == ".jsonl") return FileKind::jsonl;
    if (extension == ".html" || extension == ".htm" || extension == ".xhtml") return FileKind::html;
    return std::nullopt;
}

FileList list_files(const std::vector<fs::path>& inputs) {
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
        } else if (!fs::is_regular_file(status)) {
            throw Error("'" + input.string() + "' is no file", "it is a pipe, a socket or a device, which has no size",
                        "put what it gives into a file: cat " + input.string() + " > texts.txt");
        } else if (const auto kind = kind_of(input)) {
            collector.add_file(input, *kind);
        } else {
            throw Error("cannot tell what '" + input.string() + "' holds",
                        std::string("its name does not end in ") + known_names,
                        "rename it, for example: mv " + input.string() + " " + input.string() + ".txt");
        }
    }
    const FileList& list = collector.list;
    if (list.files.empty()) {
        std::string cause;
        if (list.broken_links > 0)
            cause = counted(list.broken_links, "link leads", "links lead") + " nowhere, the first is '" +
                    collector.first_broken_link.string() + "'";
        if (list.of_other_kinds > 0 || cause.empty())
            cause += (cause.empty() ? "" : "; ") + counted(list.of_other_kinds, "file is", "files are") +
                     " there, and none is named " + known_names;
        throw Error("no documents in " + (named.empty() ? "an empty list of inputs" : named), cause,
                    "name a file or a folder that holds such files");
    }
    return std::move(collector.list);
}

}  // namespace gradus
