// Checks of sizes and constants for all families.
#include "engine/base/error.h"
#include "engine/models/family.h"

namespace gradus {

void validate(const ModelConfig& m, const std::string& where) {
    auto refuse = [&](const std::string& what, const std::string& why, const std::string& fix) {
        throw Error(what, where + ": " + why, fix);
    };
    auto text = [](int n) { return std::to_string(n); };
    struct Size {
        const char* name;
        int value, most;
    };
    for (const Size& s : {Size{"layers", m.L, 10000},
                          {"width", m.C, 1 << 20},
                          {"heads", m.H, 1 << 16},
                          {"key/value heads", m.G, 1 << 16},
                          {"head width", m.D, 1 << 16},
                          {"feed-forward width", m.F, 1 << 22},
                          {"vocabulary", m.V, 1 << 24},
                          {"context", m.context, 1 << 24}})
        if (s.value < 1 || s.value > s.most)
            refuse(std::string("a model cannot have ") + s.name + " = " + text(s.value),
                   std::string(s.name) + " must be between 1 and " + text(s.most), "give it a value in that range");
    if (int64_t(m.H + 2 * m.G) * m.D > 1 << 24)
        refuse(text(m.H) + " heads of width " + text(m.D) + " are too wide",
               "all heads together may have 2^24 channels", "choose fewer or narrower heads");
    if (!(m.norm.eps >= 0 && m.norm.eps <= 1) || !(m.rope.theta > 0 && m.rope.theta < 1e15) ||
        !(m.rope.scaling.factor > 0))
        refuse("a constant of the model is out of range",
               "norm_eps, rope_theta and the rope factor must be positive numbers", "give it a positive number");
    if (const auto check = family_named(m.family).check) check(m, where);
    if (m.H % m.G != 0)
        refuse(
            text(m.G) + " key/value heads do not divide " + text(m.H) + " heads",
            "each key/value head is shared by the same number of heads",
            "choose a number of key/value heads that divides the heads, such as " + text(m.H % 2 == 0 ? m.H / 2 : 1));
    if (m.position == Position::rotary && m.D % 2 != 0)
        refuse("the head width " + text(m.D) + " is odd", "rotary positions rotate pairs of channels",
               "choose an even head width, such as " + text(m.D + 1));
    if (m.end_of_text >= m.V)
        refuse("the end-of-text id " + text(m.end_of_text) + " is outside a vocabulary of " + text(m.V),
               "ids run from 0 to " + text(m.V - 1), "use the tokenizer that belongs to this model");
}

}  // namespace gradus
