#pragma once
// The subset of Python's pickle format that torch.save uses for dictionaries of tensors and plain values.
//
// A pickle is a program for a small stack machine, and in Python it may call any function. Here it can call none: the
// machine knows the instructions of protocol 2 that torch.save uses, and recognises only these names, for which it
// creates its own values. Any other name is refused with an Error.
//
//   collections OrderedDict          a dictionary; attributes set afterwards (_metadata) are dropped
//   torch FloatStorage, …            the dtype of a storage
//   torch._utils _rebuild_tensor_v2  a tensor: a view of a storage
//   torch._utils _rebuild_parameter  its tensor
//
// The data of a storage is not in the pickle, which has only the key of a member of the archive
// (engine/convert/torch_file.h). Limits: 4 MiB and a million values, far above any real checkpoint's.
//
// Source: CPython's pickletools; the serialisation notes of PyTorch.
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/error.h"

namespace gradus {

struct Pickled {
    enum class Kind { none, boolean, integer, real, text, list, tuple, dictionary, function, storage, tensor };

    Kind kind = Kind::none;
    int64_t integer = 0;     // also a boolean's 0 or 1; elements of a storage; a tensor's first element in its storage
    double real = 0;         // also an integer's
    std::string_view text;   // also a function's name, "torch FloatStorage", and a storage's key
    std::string_view dtype;  // of a storage, as safetensors names it: "F32"
    std::vector<const Pickled*> items;                               // of a list or tuple; of a tensor: its storage
    std::vector<std::pair<const Pickled*, const Pickled*>> entries;  // of a dictionary
    std::vector<int64_t> shape, stride;                              // of a tensor, in elements

    bool is(Kind k) const { return kind == k; }
    // A dictionary's value for that key; null: there is none. The last of duplicate keys wins, as in Python.
    const Pickled* find(std::string_view key) const;
};

// "a dictionary", for errors
const char* name_of(Pickled::Kind);

// Runs the pickle. Its strings point into `bytes`, which must outlive it.
class Pickle {
public:
    Pickle(std::string_view bytes, const std::string& file);
    Pickle(const Pickle&) = delete;
    Pickle& operator=(const Pickle&) = delete;

    const Pickled& root() const { return *root_; }

private:
    std::deque<Pickled> values_;  // owns all values, whose references may form cycles
    const Pickled* root_ = nullptr;
};

// Writes a pickle of protocol 2. begin_… and end_… enclose a dictionary's keys and values in turn, or a list's items.
class PickleWriter {
public:
    void begin_dictionary();
    void end_dictionary();
    void begin_list();
    void end_list();
    void text(std::string_view);
    void integer(int64_t);
    void real(double);
    void boolean(bool);
    void none();
    void pair(double, double);  // a tuple
    // A contiguous tensor that covers its whole storage; dtype as safetensors names it.
    void tensor(const std::string& dtype, const std::string& key, const std::vector<int64_t>& shape);
    std::string finish();

private:
    void function(std::string_view module_and_name);
    void tuple(const std::vector<int64_t>&);
    std::string bytes_ = "\x80\x02";
};

}  // namespace gradus
