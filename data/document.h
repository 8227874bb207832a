#pragma once
// A document: one text by an author, and where it was found.
#include <string>

namespace gradus {

struct Document {
    std::string text;    // UTF-8, lines end in \n
    std::string source;  // "path", or "path:line" for a line of a .jsonl file
};

}  // namespace gradus
