#pragma once
// The file that rankings are collected in: one JSON line for each, in the format `ranking` of align/examples/formats.h.
#include <string>
#include <vector>

#include "align/collect/line_file.h"
#include "align/examples/example.h"

namespace gradus {

// Without its line end.
std::string line_of(const Ranking& ranking);

// All rankings of a file, also those in which all answers tie; an incomplete last line is left out. Error with file and
// line for a line that is no ranking.
std::vector<Ranking> read_rankings(const fs::path& path);

class RankingFile {
public:
    // Errors: as LineFile and read_rankings.
    explicit RankingFile(const fs::path& path);

    const fs::path& path() const { return file_.path(); }
    const std::vector<Ranking>& rankings() const { return rankings_; }  // those read, then those appended
    void append(const Ranking& ranking);                                // on the disk when it returns

private:
    LineFile file_;
    std::vector<Ranking> rankings_;
};

}  // namespace gradus
