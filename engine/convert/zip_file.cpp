#include "engine/convert/zip_file.h"

#include <cstring>

#include <zlib.h>

#include "engine/base/error.h"
#include "engine/base/one_line.h"

namespace gradus {

namespace {

constexpr uint32_t local_mark = 0x04034b50, directory_mark = 0x02014b50, end_mark = 0x06054b50;
constexpr uint32_t end64_mark = 0x06064b50, locator64_mark = 0x07064b50;
constexpr size_t local_bytes = 30, directory_bytes = 46, end_bytes = 22, end64_bytes = 56, locator64_bytes = 20;
constexpr uint16_t zip64_field = 1, padding_field = 0x4246;  // PyTorch's id of padding fields
constexpr uint32_t moved = 0xffffffff;                       // the value is in the zip64 field
constexpr size_t longest_comment = 65535, alignment = 64;

struct ZipRefusal {
    std::string file;

    [[noreturn]] void operator()(const std::string& cause) const {
        throw Error("'" + file + "' is not a complete zip archive", cause,
                    "copy or download the file again, or save it again with torch.save");
    }
};

template <class Number>
Number number_at(const std::byte* at) {
    Number n;
    std::memcpy(&n, at, sizeof n);
    return n;
}

// The bytes of the file, with bounds checks.
struct Bytes {
    const std::byte* data;
    uint64_t size;
    const ZipRefusal& refuse;

    const std::byte* at(uint64_t place, uint64_t count, const char* what) const {
        if (place > size || count > size - place)
            refuse(std::string(what) + " would end at byte " + std::to_string(place) + " + " + std::to_string(count) +
                   ", and the file has " + std::to_string(size));
        return data + place;
    }
};

struct Directory {
    uint64_t members, bytes, place;
};

Directory find_directory(const Bytes& file) {
    if (file.size < end_bytes) file.refuse("it has " + std::to_string(file.size) + " bytes, too few for an archive");
    const uint64_t last = file.size - end_bytes;
    for (uint64_t place = last;; --place) {
        const std::byte* end = file.data + place;
        if (number_at<uint32_t>(end) == end_mark && number_at<uint16_t>(end + 20) == last - place) {
            Directory found = {number_at<uint16_t>(end + 10), number_at<uint32_t>(end + 12),
                               number_at<uint32_t>(end + 16)};
            const std::byte* locator = place >= locator64_bytes ? end - locator64_bytes : nullptr;
            if (locator && number_at<uint32_t>(locator) == locator64_mark) {
                const std::byte* end64 = file.at(number_at<uint64_t>(locator + 8), end64_bytes, "its zip64 end record");
                if (number_at<uint32_t>(end64) != end64_mark)
                    file.refuse("its zip64 end record is not at the recorded offset");
                found = {number_at<uint64_t>(end64 + 32), number_at<uint64_t>(end64 + 40),
                         number_at<uint64_t>(end64 + 48)};
            }
            return found;
        }
        if (place == 0 || last - place == longest_comment)
            file.refuse("it has no end record: it is cut short, or not a zip archive");
    }
}

struct Entry {
    uint64_t packed, bytes, header;
};

// Values that exceed 32 bits are in the zip64 field, in this order.
void read_zip64(Entry& place, const std::byte* extra, size_t extra_bytes, const std::string& name,
                const ZipRefusal& refuse) {
    for (size_t at = 0; at + 4 <= extra_bytes;) {
        const size_t length = number_at<uint16_t>(extra + at + 2);
        if (length > extra_bytes - at - 4) refuse("the extra fields of " + shown(name) + " are cut short");
        if (number_at<uint16_t>(extra + at) == zip64_field) {
            size_t next = 0;
            for (uint64_t* n : {&place.bytes, &place.packed, &place.header}) {
                if (*n != moved) continue;
                if (next + 8 > length) refuse("the zip64 field of " + shown(name) + " is too short");
                *n = number_at<uint64_t>(extra + at + 4 + next);
                next += 8;
            }
        }
        at += 4 + length;
    }
}

template <class... Number>
std::string packed(Number... numbers) {
    std::string text;
    (text.append(reinterpret_cast<const char*>(&numbers), sizeof numbers), ...);
    return text;
}

uint32_t low(uint64_t n) { return n < moved ? uint32_t(n) : moved; }

// version needed (2.0, or 4.5 for zip64), flags (names are UTF-8), method (stored), time, date (1 January 1980)
std::string common_fields(bool zip64) {
    return packed(uint16_t(zip64 ? 45 : 20), uint16_t(0x0800), uint16_t(0), uint16_t(0), uint16_t(0x0021));
}

}  // namespace

ZipFile::ZipFile(const fs::path& path) : file_(path) {
    const ZipRefusal refuse{path.string()};
    const Bytes file = {file_.data(), file_.size(), refuse};
    const Directory directory = find_directory(file);
    file.at(directory.place, directory.bytes, "its directory");
    if (directory.members > directory.bytes / directory_bytes)
        refuse("its directory is too short for " + std::to_string(directory.members) + " members");

    uint64_t at = directory.place;
    for (uint64_t i = 0; i < directory.members; ++i) {
        const std::byte* header = file.at(at, directory_bytes, "its directory");
        if (number_at<uint32_t>(header) != directory_mark) refuse("its directory has an invalid entry");
        const size_t name_bytes = number_at<uint16_t>(header + 28), extra_bytes = number_at<uint16_t>(header + 30),
                     comment_bytes = number_at<uint16_t>(header + 32);
        const std::byte* tail =
            file.at(at + directory_bytes, name_bytes + extra_bytes + comment_bytes, "its directory");
        const std::string name(reinterpret_cast<const char*>(tail), name_bytes);
        at += directory_bytes + name_bytes + extra_bytes + comment_bytes;

        Entry place = {number_at<uint32_t>(header + 20), number_at<uint32_t>(header + 24),
                       number_at<uint32_t>(header + 42)};
        read_zip64(place, tail + name_bytes, extra_bytes, name, refuse);
        if (number_at<uint16_t>(header + 8) & 1) refuse("its member " + shown(name) + " is encrypted");
        if (number_at<uint16_t>(header + 10) != 0 || place.packed != place.bytes)
            refuse("its member " + shown(name) + " is compressed, which torch.save never does");

        const std::byte* local = file.at(place.header, local_bytes, "a member's header");
        if (number_at<uint32_t>(local) != local_mark)
            refuse("its member " + shown(name) + " is not at the recorded offset");
        const uint64_t begin =
            place.header + local_bytes + number_at<uint16_t>(local + 26) + number_at<uint16_t>(local + 28);
        members_.push_back({name, file.at(begin, place.bytes, "a member"), size_t(place.bytes)});
        if (!by_name_.emplace(name, members_.size() - 1).second) refuse("it has two members " + shown(name));
    }
}

const ZipFile::Member* ZipFile::find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &members_[found->second];
}

void ZipWriter::put(std::string_view bytes) {
    file_.write(bytes);
    at_ += bytes.size();
}

void ZipWriter::begin(const std::string& name, uint64_t bytes) {
    finish_member();
    CHECK(name.size() < 1000, name);
    members_.push_back({name, bytes, at_, 0});
    left_ = bytes;
    const bool zip64 = bytes >= moved;
    std::string extra = zip64 ? packed(zip64_field, uint16_t(16), bytes, bytes) : "";
    const uint64_t begins = at_ + local_bytes + name.size() + extra.size() + 4;
    const size_t padding = size_t(-begins % alignment);
    extra += packed(padding_field, uint16_t(padding)) + std::string(padding, 'Z');
    put(packed(local_mark) + common_fields(zip64) +
        packed(uint32_t(0), low(bytes), low(bytes), uint16_t(name.size()), uint16_t(extra.size())));
    put(name + extra);
}

void ZipWriter::write(const void* data, size_t bytes) {
    CHECK(!members_.empty() && bytes <= left_, "more bytes than declared");
    Member& m = members_.back();
    m.crc = uint32_t(::crc32_z(m.crc, static_cast<const Bytef*>(data), bytes));
    left_ -= bytes;
    put({static_cast<const char*>(data), bytes});
}

void ZipWriter::add(const std::string& name, std::string_view content) {
    begin(name, content.size());
    write(content.data(), content.size());
}

void ZipWriter::finish_member() {
    CHECK(left_ == 0, "fewer bytes than declared");
    if (members_.empty()) return;
    constexpr uint64_t place_of_crc = 14;
    file_.seek(members_.back().place + place_of_crc);
    file_.write(packed(members_.back().crc));
    file_.seek(at_);
}

void ZipWriter::commit() {
    finish_member();
    const uint64_t begin = at_;
    for (const Member& m : members_) {
        std::string extra;
        if (m.bytes >= moved) extra += packed(m.bytes, m.bytes);
        if (m.place >= moved) extra += packed(m.place);
        if (!extra.empty()) extra = packed(zip64_field, uint16_t(extra.size())) + extra;
        const bool zip64 = !extra.empty();
        put(packed(directory_mark, uint16_t(45)) + common_fields(zip64) +
            packed(m.crc, low(m.bytes), low(m.bytes), uint16_t(m.name.size()), uint16_t(extra.size()), uint16_t(0),
                   uint16_t(0), uint16_t(0), uint32_t(0), low(m.place)));
        put(m.name + extra);
    }
    const uint64_t count = members_.size(), bytes = at_ - begin, end64 = at_;
    const bool zip64 = count >= 0xffff || begin >= moved || bytes >= moved;
    if (zip64) {
        put(packed(end64_mark, uint64_t(end64_bytes - 12), uint16_t(45), uint16_t(45), uint32_t(0), uint32_t(0), count,
                   count, bytes, begin));
        put(packed(locator64_mark, uint32_t(0), end64, uint32_t(1)));
    }
    const uint16_t few = count < 0xffff ? uint16_t(count) : uint16_t(0xffff);
    put(packed(end_mark, uint16_t(0), uint16_t(0), few, few, low(bytes), low(begin), uint16_t(0)));
    file_.commit();
}

}  // namespace gradus
