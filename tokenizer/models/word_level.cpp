// Word-level model.
#include "tokenizer/models/word_level.h"

namespace gradus {

WordLevelModel::WordLevelModel(const parts::WordLevel& parts, const TokenNames& names)
    : unknown_(parts.unknown), ids_(ids_of_names(names)), unknown_id_(ids_.find(unknown_)) {}

int32_t WordLevelModel::id_of(std::string_view piece) const {
    const int32_t id = ids_.find(piece);
    if (id >= 0) return id;
    if (unknown_id_ < 0) no_unknown_token(unknown_, piece);
    return unknown_id_;
}

void WordLevelModel::encode(std::string_view piece, std::vector<ModelToken>& out) const {
    out.push_back({id_of(piece), 0, uint32_t(piece.size())});
}

void WordLevelModel::encode(std::string_view piece, std::vector<int32_t>& out) const { out.push_back(id_of(piece)); }

}  // namespace gradus
