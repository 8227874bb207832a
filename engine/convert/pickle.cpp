#include "engine/convert/pickle.h"

#include <bit>
#include <cstdio>
#include <cstring>
#include <unordered_map>

#include "engine/base/one_line.h"
#include "engine/convert/pickle_codes.h"

namespace gradus {

namespace {

using namespace pickle;
using Kind = Pickled::Kind;

constexpr size_t longest_pickle = 4 << 20, most_values = 1'000'000, most_dimensions = 64;

const StorageKind* storage_kind(std::string_view function) {
    for (const StorageKind& k : storage_kinds)
        if (k.function == function) return &k;
    return nullptr;
}

class Machine {
public:
    Machine(std::string_view program, const std::string& file, std::deque<Pickled>& values)
        : program_(program), file_(file), values_(values) {}

    const Pickled* run() {
        if (program_.size() > longest_pickle)
            refuse("its pickle has " + std::to_string(program_.size()) + " bytes; the limit is " +
                   std::to_string(longest_pickle));
        for (;;) {
            const unsigned char code = take<unsigned char>();
            if (code != stop) {
                step(code);
                continue;
            }
            const Pickled* root = pop();
            if (!stack_.empty() || !marks_.empty()) refuse("its stack is not empty at the end");
            return root;
        }
    }

private:
    [[noreturn]] void refuse(const std::string& cause) const {
        throw Error("the pickle in '" + file_ + "' cannot be read", cause,
                    "save it with torch.save as a dictionary of tensors and plain values");
    }

    void step(unsigned char code) {
        switch (code) {
            case proto:
                if (const int version = take<unsigned char>(); version != 2)
                    refuse("it is of protocol " + std::to_string(version) + ", and torch.save writes protocol 2");
                return;
            case mark: return marks_.push_back(stack_.size());
            case none_value: return void(push(Kind::none));
            case new_true: push(Kind::boolean).integer = 1; return;
            case new_false: push(Kind::boolean).integer = 0; return;
            case binint: return push_integer(take<int32_t>());
            case binint1: return push_integer(take<uint8_t>());
            case binint2: return push_integer(take<uint16_t>());
            case long1: return push_long();
            case binfloat: push(Kind::real).real = take_real(); return;
            case binunicode: push(Kind::text).text = take(take<uint32_t>()); return;
            case empty_list: return void(push(Kind::list));
            case empty_dict: return void(push(Kind::dictionary));
            case empty_tuple: return push_tuple(0);
            case tuple1: return push_tuple(1);
            case tuple2: return push_tuple(2);
            case tuple3: return push_tuple(3);
            case tuple_from_mark: {
                std::vector<const Pickled*> items = pop_to_mark();
                push(Kind::tuple).items = std::move(items);
                return;
            }
            case append: {
                const Pickled* item = pop();
                top(Kind::list).items.push_back(item);
                return;
            }
            case appends: {
                const std::vector<const Pickled*> items = pop_to_mark();
                Pickled& list = top(Kind::list);
                list.items.insert(list.items.end(), items.begin(), items.end());
                return;
            }
            case setitem: {
                const Pickled *value = pop(), *key = pop();
                top(Kind::dictionary).entries.emplace_back(key, value);
                return;
            }
            case setitems: {
                const std::vector<const Pickled*> items = pop_to_mark();
                if (items.size() % 2 != 0) refuse("a dictionary in it has a key without a value");
                Pickled& dictionary = top(Kind::dictionary);
                for (size_t i = 0; i < items.size(); i += 2) dictionary.entries.emplace_back(items[i], items[i + 1]);
                return;
            }
            case build: return void((pop(), top(Kind::dictionary)));
            case global: return push_function();
            case reduce: return call();
            case binpersid: return push_storage();
            case binput: return remember(take<uint8_t>());
            case long_binput: return remember(take<uint32_t>());
            case binget: return recall(take<uint8_t>());
            case long_binget: return recall(take<uint32_t>());
            default: break;
        }
        char text[8];
        std::snprintf(text, sizeof text, "0x%02x", unsigned(code));
        refuse("it has the instruction " + std::string(text) + " at byte " + std::to_string(at_ - 1) +
               ", which torch.save does not write");
    }

    std::string_view take(size_t bytes) {
        if (bytes > program_.size() - at_) refuse("it is cut short at byte " + std::to_string(at_));
        at_ += bytes;
        return program_.substr(at_ - bytes, bytes);
    }
    template <class Number>
    Number take() {
        Number n;
        std::memcpy(&n, take(sizeof n).data(), sizeof n);
        return n;
    }
    double take_real() {  // the only big-endian number
        uint64_t bits = 0;
        for (char byte : take(8)) bits = bits << 8 | uint8_t(byte);
        return std::bit_cast<double>(bits);
    }
    std::string_view take_line() {
        const size_t end = program_.find('\n', at_);
        if (end == std::string_view::npos) refuse("it is cut short at byte " + std::to_string(at_));
        const std::string_view line = program_.substr(at_, end - at_);
        at_ = end + 1;
        return line;
    }

    Pickled& push(Kind kind) {
        if (values_.size() >= most_values) refuse("it has more than a million values");
        values_.emplace_back().kind = kind;
        stack_.push_back(&values_.back());
        return values_.back();
    }
    void push_integer(int64_t n) {
        Pickled& value = push(Kind::integer);
        value.integer = n;
        value.real = double(n);
    }
    void push_long() {
        const std::string_view bytes = take(take<uint8_t>());
        if (bytes.size() > 8) refuse("it has a whole number of " + std::to_string(bytes.size()) + " bytes");
        uint64_t n = !bytes.empty() && bytes.back() < 0 ? ~uint64_t(0) : 0;
        for (size_t i = bytes.size(); i-- > 0;) n = n << 8 | uint8_t(bytes[i]);
        push_integer(int64_t(n));
    }
    void push_tuple(size_t count) {
        std::vector<const Pickled*> items(count);
        for (size_t i = count; i-- > 0;) items[i] = pop();
        push(Kind::tuple).items = std::move(items);
    }

    Pickled* pop() {
        if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("it pops from an empty stack");
        Pickled* value = stack_.back();
        stack_.pop_back();
        return value;
    }
    std::vector<const Pickled*> pop_to_mark() {
        if (marks_.empty()) refuse("it has no mark for a list");
        const auto begin = stack_.begin() + std::ptrdiff_t(marks_.back());
        std::vector<const Pickled*> items(begin, stack_.end());
        stack_.erase(begin, stack_.end());
        marks_.pop_back();
        return items;
    }
    Pickled& top(Kind kind) {
        Pickled* value = pop();
        if (!value->is(kind)) refuse("it has " + std::string(name_of(value->kind)) + " instead of " + name_of(kind));
        stack_.push_back(value);
        return *value;
    }

    void remember(uint32_t number) {
        Pickled* value = pop();
        stack_.push_back(value);
        memo_[number] = value;
    }
    void recall(uint32_t number) {
        const auto found = memo_.find(number);
        if (found == memo_.end()) refuse("it reads memo entry " + std::to_string(number) + ", which was never written");
        stack_.push_back(found->second);
    }

    void push_function() {
        const size_t begin = at_;
        const std::string_view module = take_line(), name = take_line();
        const std::string_view full = program_.substr(begin, module.size() + 1 + name.size());
        std::string spaced(full);
        spaced[module.size()] = ' ';
        for (std::string_view known : {ordered_dictionary, rebuild_tensor, rebuild_parameter})
            if (spaced == known) return void(push(Kind::function).text = known);
        if (const StorageKind* kind = storage_kind(spaced)) return void(push(Kind::function).text = kind->function);
        spaced[module.size()] = '.';
        refuse("it refers to " + shown(spaced) + ", which is not needed for tensors and not allowed");
    }

    void call() {
        const Pickled &arguments = *pop(), &function = *pop();
        if (!arguments.is(Kind::tuple) || !function.is(Kind::function))
            refuse("it calls " + std::string(name_of(function.kind)) + " with " + name_of(arguments.kind));
        const std::vector<const Pickled*>& given = arguments.items;
        if (function.text == ordered_dictionary && given.empty()) return void(push(Kind::dictionary));
        if (function.text == rebuild_tensor && given.size() >= 4) return push_tensor(given);
        if (function.text == rebuild_parameter && !given.empty() && given[0]->is(Kind::tensor)) {
            const Pickled whole = *given[0];
            push(Kind::tensor) = whole;
            return;
        }
        refuse("it calls " + shown(std::string(function.text)) + " with unexpected arguments");
    }

    // ("storage", kind, key, device, elements)
    void push_storage() {
        const Pickled& id = *pop();
        const std::vector<const Pickled*>& part = id.items;
        const bool known = id.is(Kind::tuple) && part.size() == 5 && part[0]->is(Kind::text) &&
                           part[0]->text == "storage" && part[1]->is(Kind::function) && part[2]->is(Kind::text) &&
                           part[4]->is(Kind::integer) && part[4]->integer >= 0;
        const StorageKind* kind = known ? storage_kind(part[1]->text) : nullptr;
        if (!kind) refuse("it describes a storage in another way than torch.save");
        Pickled& storage = push(Kind::storage);
        storage.dtype = kind->dtype;
        storage.text = part[2]->text;
        storage.integer = part[4]->integer;
    }

    // (storage, first element, shape, stride, …)
    void push_tensor(const std::vector<const Pickled*>& given) {
        if (!given[0]->is(Kind::storage) || !given[1]->is(Kind::integer) || !given[2]->is(Kind::tuple) ||
            !given[3]->is(Kind::tuple) || given[2]->items.size() != given[3]->items.size())
            refuse("it describes a tensor in another way than torch.save");
        if (given[2]->items.size() > most_dimensions)
            refuse("it has a tensor of " + std::to_string(given[2]->items.size()) + " dimensions");
        auto counts = [&](const Pickled& tuple) {
            std::vector<int64_t> all;
            for (const Pickled* n : tuple.items) {
                if (!n->is(Kind::integer) || n->integer < 0) refuse("a size or a stride of a tensor is not a count");
                all.push_back(n->integer);
            }
            return all;
        };
        std::vector<int64_t> shape = counts(*given[2]), stride = counts(*given[3]);
        if (given[1]->integer < 0) refuse("a tensor begins before its storage");
        Pickled& tensor = push(Kind::tensor);
        tensor.items = {given[0]};
        tensor.integer = given[1]->integer;
        tensor.shape = std::move(shape);
        tensor.stride = std::move(stride);
    }

    std::string_view program_;
    const std::string& file_;
    std::deque<Pickled>& values_;
    size_t at_ = 0;
    std::vector<Pickled*> stack_;
    std::vector<size_t> marks_;
    std::unordered_map<uint32_t, Pickled*> memo_;
};

}  // namespace

const Pickled* Pickled::find(std::string_view key) const {
    const Pickled* found = nullptr;
    for (const auto& [k, value] : entries)
        if (k->is(Kind::text) && k->text == key) found = value;
    return found;
}

const char* name_of(Kind kind) {
    static constexpr const char* names[] = {"None",       "a truth value", "a whole number", "a number",
                                            "a text",     "a list",        "a tuple",        "a dictionary",
                                            "a function", "a storage",     "a tensor"};
    return names[size_t(kind)];
}

Pickle::Pickle(std::string_view bytes, const std::string& file) : root_(Machine(bytes, file, values_).run()) {}

}  // namespace gradus
