// Loaded into the program by LD_PRELOAD: a signal at an exact moment of a run, the same in every run. What happens is
// counted: lines of log.jsonl when they are written, and (STOP_ON=any) files and folders before they are renamed or
// removed.
//
//   STOP_AT=N STOP_SIGNAL=NUMBER   the signal when so much has happened
//   STOP_COUNT=FILE                at the end how much has happened
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

long number_in(const char* name) {
    const char* text = std::getenv(name);
    return text ? std::atol(text) : 0;
}

long happened = 0;

void count() {
    if (++happened == number_in("STOP_AT")) ::kill(::getpid(), int(number_in("STOP_SIGNAL")));
}

void count_name() {
    const char* on = std::getenv("STOP_ON");
    if (on && std::strcmp(on, "any") == 0) count();
}

bool is_log(int descriptor) {
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    char path[4096];
    const ssize_t length = ::readlink(link.c_str(), path, sizeof path);
    return length > 0 && std::string_view(path, size_t(length)).ends_with("/log.jsonl");
}

__attribute__((destructor)) void write_count() {
    const char* path = std::getenv("STOP_COUNT");
    std::FILE* file = path ? std::fopen(path, "w") : nullptr;
    if (!file) return;
    std::fprintf(file, "%ld\n", happened);
    std::fclose(file);
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, size_t bytes) {
    const ssize_t n = ::syscall(SYS_write, descriptor, data, bytes);
    if (is_log(descriptor)) count();
    return n;
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
    count_name();
    return int(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}
int rename(const char* from, const char* to) noexcept { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int folder, const char* name, int flags) noexcept {
    count_name();
    return int(::syscall(SYS_unlinkat, folder, name, flags));
}
int unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char* path) noexcept { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
}
