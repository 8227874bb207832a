// A pickle is values whose texts lie inside it, or an Error.
#include <set>

#include "engine/convert/pickle.h"
#include "tests/fuzz/reading.h"

using namespace gradus;
using namespace gradus::fuzzing;

namespace {

void walk(const Pickled& root, std::string_view bytes) {
    std::set<const Pickled*> seen;  // values refer to each other in circles
    std::vector<const Pickled*> open = {&root};
    while (!open.empty()) {
        const Pickled& value = *open.back();
        open.pop_back();
        if (!seen.insert(&value).second) continue;
        const bool of_input = value.is(Pickled::Kind::text) || value.is(Pickled::Kind::storage);
        if (of_input && !value.text.empty())
            require(value.text.data() >= bytes.data() &&
                    value.text.data() + value.text.size() <= bytes.data() + bytes.size());
        require(value.shape.size() == value.stride.size());
        if (value.is(Pickled::Kind::tensor))
            require(value.items.size() == 1 && value.items[0]->is(Pickled::Kind::storage));
        for (const Pickled* item : value.items) open.push_back(item);
        for (const auto& [key, item] : value.entries) open.insert(open.end(), {key, item});
        value.find("model");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string input = as_text(data, size);
    try {
        const Pickle pickle(input, "data.pkl");
        walk(pickle.root(), input);
    } catch (const Error& e) { check(e); }
    return 0;
}
