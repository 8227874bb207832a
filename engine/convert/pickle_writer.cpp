#include <bit>

#include "engine/convert/pickle.h"
#include "engine/convert/pickle_codes.h"

namespace gradus {

namespace {

using namespace pickle;

template <class Number>
void put(std::string& bytes, char code, Number n) {
    bytes += code;
    bytes.append(reinterpret_cast<const char*>(&n), sizeof n);
}

}  // namespace

void PickleWriter::begin_dictionary() { bytes_ += "}("; }
void PickleWriter::end_dictionary() { bytes_ += char(setitems); }
void PickleWriter::begin_list() { bytes_ += "]("; }
void PickleWriter::end_list() { bytes_ += char(appends); }

void PickleWriter::text(std::string_view t) {
    put(bytes_, char(binunicode), uint32_t(t.size()));
    bytes_ += t;
}

void PickleWriter::integer(int64_t n) {
    if (n == int32_t(n)) return put(bytes_, char(binint), int32_t(n));
    bytes_ += char(long1);
    put(bytes_, char(8), n);
}

void PickleWriter::real(double x) {
    bytes_ += char(binfloat);
    const auto bits = std::bit_cast<uint64_t>(x);
    for (int shift = 56; shift >= 0; shift -= 8) bytes_ += char(bits >> shift & 0xff);
}

void PickleWriter::boolean(bool b) { bytes_ += char(b ? new_true : new_false); }
void PickleWriter::none() { bytes_ += char(none_value); }

void PickleWriter::pair(double a, double b) {
    real(a);
    real(b);
    bytes_ += char(tuple2);
}

void PickleWriter::function(std::string_view module_and_name) {
    std::string lines(module_and_name);
    lines[lines.find(' ')] = '\n';
    bytes_.append(1, char(global)).append(lines).append("\n");
}

void PickleWriter::tuple(const std::vector<int64_t>& numbers) {
    bytes_ += char(mark);
    for (int64_t n : numbers) integer(n);
    bytes_ += char(tuple_from_mark);
}

void PickleWriter::tensor(const std::string& dtype, const std::string& key, const std::vector<int64_t>& shape) {
    std::vector<int64_t> stride(shape.size(), 1);
    for (size_t i = shape.size(); i-- > 1;) stride[i - 1] = stride[i] * shape[i];
    function(rebuild_tensor);
    bytes_ += "((";
    text("storage");
    for (const StorageKind& k : storage_kinds)
        if (k.dtype == dtype) function(k.function);
    text(key);
    text("cpu");
    integer(shape.empty() ? 1 : stride[0] * shape[0]);
    bytes_.append(1, char(tuple_from_mark)).append(1, char(binpersid));
    integer(0);
    tuple(shape);
    tuple(stride);
    boolean(false);
    function(ordered_dictionary);
    bytes_.append(1, char(empty_tuple))
        .append(1, char(reduce))
        .append(1, char(tuple_from_mark))
        .append(1, char(reduce));
}

std::string PickleWriter::finish() { return bytes_ + char(stop); }

}  // namespace gradus
