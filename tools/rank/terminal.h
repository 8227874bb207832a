#pragma once
// Ranking without a browser: prompts and answers as text, one line typed for each.
#include <optional>
#include <string>

#include "align/collect/ranking_file.h"
#include "align/collect/session.h"

namespace gradus {

// Lines of standard input. A request to stop (engine/base/signals.h) ends the input.
class TypedLines {
public:
    std::optional<std::string> next();

private:
    std::string buffer_;
    bool ended_ = false;
};

// Asks for the rater's name if it is empty, then for rankings until none is left, the input ends or "q" is typed. Each
// is on the disk before the next prompt is shown. Error for a name that cannot be one.
void rank_in_terminal(Session& session, RankingFile& file, std::string rater);

}  // namespace gradus
