// Event files: byte for byte what TensorBoard's own writer makes, and what becomes of them when a disk is full.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>
#include <vector>

#include "engine/base/event_file.h"
#include "engine/base/event_record.h"

using namespace gradus;

namespace {

constexpr double wall_time = 1700000000.25;

struct Folder {
    fs::path path = fs::temp_directory_path() / ("gradus-events-" + std::to_string(::getpid()));
    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
};

std::string hexadecimal(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes)
        for (const int shift : {4, 0}) text += "0123456789abcdef"[(uint8_t(byte) >> shift) & 15];
    return text;
}

uint64_t little_endian(std::string_view bytes) {
    uint64_t value = 0;
    for (size_t i = bytes.size(); i-- > 0;) value = (value << 8) | uint8_t(bytes[i]);
    return value;
}

// The data of every record; half a record or a wrong sum fails the test.
std::vector<std::string> records_of(const fs::path& path) {
    const std::string file = read_file(path);
    const std::string_view bytes = file;
    std::vector<std::string> data;
    for (size_t at = 0; at < bytes.size();) {
        REQUIRE(bytes.size() - at >= 16);
        const uint64_t size = little_endian(bytes.substr(at, 8));
        REQUIRE(size <= bytes.size() - at - 16);
        REQUIRE(little_endian(bytes.substr(at + 8, 4)) == masked_crc32c(bytes.substr(at, 8)));
        data.emplace_back(bytes.substr(at + 12, size));
        REQUIRE(little_endian(bytes.substr(at + 12 + size, 4)) == masked_crc32c(data.back()));
        at += 16 + size;
    }
    return data;
}

// The wall time of an event, which is its first field.
double time_of(const std::string& event) {
    REQUIRE(event.size() >= 9);
    REQUIRE(event[0] == '\x09');
    double seconds = 0;
    std::memcpy(&seconds, event.data() + 1, sizeof seconds);
    return seconds;
}

void require_opening(const std::vector<std::string>& events, int64_t first_step) {
    REQUIRE(events.size() >= 2);
    REQUIRE(events[0] == version_event(time_of(events[0])));
    REQUIRE(events[1] == start_event(time_of(events[1]), first_step));
}

}  // namespace

TEST_CASE("CRC-32C gives the sums of RFC 3720") {
    std::string ascending, descending;
    for (int i = 0; i < 32; ++i) ascending += char(i), descending += char(31 - i);
    REQUIRE(crc32c("") == 0);
    REQUIRE(crc32c(std::string(32, '\0')) == 0x8a9136aa);
    REQUIRE(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
    REQUIRE(crc32c(ascending) == 0x46dd794e);
    REQUIRE(crc32c(descending) == 0x113fdb5c);
    const uint8_t read_command[48] = {0x01, 0xc0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0,    0, 0, 0, 0,
                                      0x14, 0,    0, 0, 0, 0, 0x04, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
                                      0x28, 0,    0, 0, 0, 0, 0,    0, 0x02, 0, 0, 0,    0, 0, 0, 0};
    REQUIRE(crc32c({reinterpret_cast<const char*>(read_command), sizeof read_command}) == 0xd9963a56);
    REQUIRE(crc32c("123456789") == 0xe3069283);
}

// Golden bytes: tools/generate/event_goldens.py
TEST_CASE("Records have the bytes of TensorBoard's own writer") {
    REQUIRE(hexadecimal(event_record(version_event(wall_time))) ==
            "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9");
    REQUIRE(hexadecimal(event_record(start_event(wall_time, 1))) ==
            "0f000000000000006d532b090900001040fc54d94110013a020801d161c2b9");
    REQUIRE(hexadecimal(event_record(scalar_event(wall_time, 1, "train/loss", 10.8125))) ==
            "200000000000000029eda9500900001040fc54d94110012a130a110a0a747261696e2f6c6f73731500002d4124d1f774");
    REQUIRE(hexadecimal(event_record(scalar_event(wall_time, 0, "train/loss", 0))) ==
            "1e00000000000000d9dc12320900001040fc54d9412a130a110a0a747261696e2f6c6f73731500000000697925fd");
    REQUIRE(hexadecimal(event_record(scalar_event(wall_time, 300, "val/bits_per_byte", -1.1))) ==
            "2800000000000000ff70164a0900001040fc54d94110ac022a1a0a180a1176616c2f626974735f7065725f6279746515"
            "cdcc8cbfd9d90533");
    REQUIRE(hexadecimal(event_record(scalar_event(wall_time, int64_t(1) << 40, "Verlust/\u00fc", 1e300))) ==
            "2500000000000000eabc36f30900001040fc54d941108080808080202a130a110a0a5665726c7573742fc3bc15000080"
            "7f4b30064b");
    REQUIRE(hexadecimal(event_record(start_event(0, 301))) == "0700000000000000bbd79f1110ad023a020801ec32405e");
}

TEST_CASE("A tag whose length takes two bytes, a negative step and NaN are written as TensorBoard writes them") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    std::string tag;
    for (int i = 0; i < 200; ++i) tag += "78";
    REQUIRE(hexadecimal(event_record(scalar_event(wall_time, -1, std::string(200, 'x'), nan))) ==
            "ea00000000000000ace9258c0900001040fc54d94110ffffffffffffffffff012ad3010ad0010ac801" + tag +
                "150000c07f7de00756");
}

TEST_CASE("A value beyond the range of floats keeps its sign and becomes infinite") {
    const double infinity = std::numeric_limits<double>::infinity();
    REQUIRE(scalar_event(1, 1, "x", -1e39) == scalar_event(1, 1, "x", -infinity));
    REQUIRE(scalar_event(1, 1, "x", 1e39) == scalar_event(1, 1, "x", infinity));
    REQUIRE(scalar_event(1, 1, "x", 1e38) != scalar_event(1, 1, "x", infinity));
}

TEST_CASE("A file opens with its version and the step that a run begins with, and holds each scalar once flushed") {
    Folder folder;
    const double before = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    EventFile file(folder.path, 0);
    require_opening(records_of(file.path()), 1);  // without a scalar
    file.scalar("train/loss", 3.5, 1);
    file.scalar("train/lr", 3e-4, 1);
    file.flush();
    file.scalar("train/loss", 3.25, 2);
    file.sync();
    const auto events = records_of(file.path());
    REQUIRE(events.size() == 5);
    REQUIRE(events[2] == scalar_event(time_of(events[2]), 1, "train/loss", 3.5));
    REQUIRE(events[3] == scalar_event(time_of(events[3]), 1, "train/lr", 3e-4));
    REQUIRE(events[4] == scalar_event(time_of(events[4]), 2, "train/loss", 3.25));
    for (const std::string& event : events) {
        REQUIRE(time_of(event) >= before);
        REQUIRE(time_of(event) < before + 600);
    }
}

TEST_CASE("A file is named as TensorBoard looks for it, and what was not flushed is there when it closes") {
    Folder folder;
    fs::path path;
    {
        EventFile file(folder.path, 7);
        path = file.path();
        file.scalar("x", 1, 8);
    }
    REQUIRE(path.parent_path() == folder.path);
    const std::string name = path.filename().string();
    REQUIRE(name.starts_with("events.out.tfevents."));
    REQUIRE(std::all_of(name.begin() + 20, name.begin() + 30, [](char c) { return c >= '0' && c <= '9'; }));
    REQUIRE(name[30] == '.');
    REQUIRE(name.ends_with("." + std::to_string(::getpid())));
    REQUIRE(records_of(path).size() == 3);
}

TEST_CASE("The file of a resumed run sorts behind all others and voids the steps that are done again") {
    Folder folder;
    write_file_atomically(folder.path / "events.out.tfevents.4000000000.elsewhere.99", "of a clock that is ahead");
    write_file_atomically(folder.path / "events.out.tfevents.of-another-kind", "");
    fs::path last = "events.out.tfevents.4000000000.elsewhere.99";
    for (const int64_t step : {0, 100, 250}) {
        EventFile file(folder.path, step);
        REQUIRE(file.path().filename().string() > last.string());
        require_opening(records_of(file.path()), step + 1);
        last = file.path().filename();
    }
}

TEST_CASE("Many scalars between two flushes reach the file") {
    Folder folder;
    EventFile file(folder.path, 0);
    for (int step = 1; step <= 5000; ++step) file.scalar("x", step, step);
    REQUIRE(records_of(file.path()).size() > 2000);
    file.flush();
    const auto events = records_of(file.path());
    REQUIRE(events.size() == 5002);
    REQUIRE(events.back() == scalar_event(time_of(events.back()), 5000, "x", 5000));
}

TEST_CASE("A folder that cannot be written costs one note and nothing else") {
    EventFile file("/nonexistent/folder", 0);
    for (int step = 1; step <= 5000; ++step) file.scalar("x", 1, step);
    file.flush();
    file.sync();
    REQUIRE(!fs::exists(file.path()));
}

TEST_CASE("A full disk costs one note; the file keeps whole records, and goes on when there is room again") {
    Folder folder;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::dup2(ends[1], STDERR_FILENO) < 0) ::_exit(1);
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        const auto fill = [&](const rlimit& full_at, int64_t step) {
            ::setrlimit(RLIMIT_FSIZE, &full_at);
            EventFile file(folder.path, step);
            for (int i = 0; i < 50; ++i) {
                file.scalar("x", 1, ++step);
                file.flush();
            }
            ::setrlimit(RLIMIT_FSIZE, &limit);
            file.scalar("y", 2, ++step);
            file.sync();
        };
        fill({500, limit.rlim_max}, 0);
        fill({0, limit.rlim_max}, 100);
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string told;
    char piece[4096];
    for (ssize_t n; (n = ::read(ends[0], piece, sizeof piece)) > 0;) told.append(piece, size_t(n));
    ::close(ends[0]);
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);

    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder.path)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    REQUIRE(files.size() == 2);
    const auto partial = records_of(files[0]), late = records_of(files[1]);
    require_opening(partial, 1);
    REQUIRE(partial.size() > 4);
    REQUIRE(partial.size() < 20);
    REQUIRE(partial[2] == scalar_event(time_of(partial[2]), 1, "x", 1));
    REQUIRE(partial.back() == scalar_event(time_of(partial.back()), 51, "y", 2));
    require_opening(late, 101);
    REQUIRE(late.size() == 3);
    REQUIRE(late[2] == scalar_event(time_of(late[2]), 151, "y", 2));
    REQUIRE(std::count(told.begin(), told.end(), '\n') == 2);
    for (const fs::path& file : files)
        REQUIRE(told.find("note: cannot write '" + file.string() + "' (File too large)") != std::string::npos);
}
