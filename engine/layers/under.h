#pragma once
// Names in nested lists of tensors: "block.3" + "attention" + "qkv_w" is block.3.attention.qkv_w.
#include <string>

namespace gradus {

// A visitor for a member's own list, which puts the member's name in front of each name.
template <class Visit>
auto under(const std::string& prefix, Visit&& visit) {
    return [prefix, &visit](const std::string& name, auto&&... rest) { visit(prefix + "." + name, rest...); };
}

}  // namespace gradus
