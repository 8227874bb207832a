#include "engine/comm_mpi/messages.h"

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

}  // namespace gradus::mpi
