#pragma once
// Shared by pickle.cpp and pickle_writer.cpp: the opcodes of pickle, and the functions that torch.save refers to.
#include <array>
#include <string_view>

namespace gradus::pickle {

inline constexpr std::string_view ordered_dictionary = "collections OrderedDict";
inline constexpr std::string_view rebuild_tensor = "torch._utils _rebuild_tensor_v2";
inline constexpr std::string_view rebuild_parameter = "torch._utils _rebuild_parameter";

struct StorageKind {
    std::string_view function, dtype;
};
inline constexpr std::array<StorageKind, 10> storage_kinds = {{{"torch FloatStorage", "F32"},
                                                               {"torch BFloat16Storage", "BF16"},
                                                               {"torch HalfStorage", "F16"},
                                                               {"torch DoubleStorage", "F64"},
                                                               {"torch LongStorage", "I64"},
                                                               {"torch IntStorage", "I32"},
                                                               {"torch ShortStorage", "I16"},
                                                               {"torch CharStorage", "I8"},
                                                               {"torch ByteStorage", "U8"},
                                                               {"torch BoolStorage", "BOOL"}}};

// The supported instructions of protocol 2, under Python's names.
enum Code : unsigned char {
    mark = '(',
    stop = '.',
    binint = 'J',
    binint1 = 'K',
    binint2 = 'M',
    none_value = 'N',
    binpersid = 'Q',
    reduce = 'R',
    binunicode = 'X',
    append = 'a',
    build = 'b',
    global = 'c',
    appends = 'e',
    binget = 'h',
    long_binget = 'j',
    empty_list = ']',
    binput = 'q',
    long_binput = 'r',
    setitem = 's',
    tuple_from_mark = 't',
    empty_tuple = ')',
    setitems = 'u',
    empty_dict = '}',
    binfloat = 'G',
    proto = 0x80,
    tuple1 = 0x85,
    tuple2 = 0x86,
    tuple3 = 0x87,
    new_true = 0x88,
    new_false = 0x89,
    long1 = 0x8a,
};

}  // namespace gradus::pickle
