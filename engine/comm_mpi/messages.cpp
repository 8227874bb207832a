#include "engine/comm_mpi/messages.h"

#include <algorithm>

#include <fmt/format.h>

namespace gradus::mpi {

std::string text_of(const Header& h, const std::string& group) {
    if (h.call == Call::end) return fmt::format("the end of the program, at step {}", h.step);
    std::string text = fmt::format("{} #{} of {}", name_of(h.call), h.number, group);
    if (h.call == Call::gather) {
        text += fmt::format(", {} bytes", h.count);
    } else if (h.call != Call::barrier && h.call != Call::connect) {
        text += fmt::format(", {} of {}", h.count, gradus::name_of(h.dtype));
    }
    if (h.root >= 0) text += fmt::format(" {} rank {}", h.call == Call::send ? "to" : "from", h.root);
    return text + fmt::format(", at step {}", h.step);
}

std::string list_of(const std::vector<std::string>& names) {
    std::string list;
    for (size_t i = 0; i < std::min(names.size(), most_named); ++i) list += (i > 0 ? ", " : "") + names[i];
    return list + (names.size() > most_named ? fmt::format(" and {} more", names.size() - most_named) : "");
}

}  // namespace gradus::mpi
