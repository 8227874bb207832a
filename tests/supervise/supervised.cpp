#include "tests/supervise/supervised.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "engine/base/error.h"

namespace gradus {

namespace {

int number_in(const fs::path& file) {
    std::error_code ignored;
    return fs::exists(file, ignored) ? std::atoi(read_file(file).c_str()) : -1;
}

template <class Condition>
bool comes_true(Condition&& condition) {
    using namespace std::chrono_literals;
    for (int i = 0; i < 6000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

fs::path new_folder() {
    std::string name = (fs::temp_directory_path() / "gradus-supervise-").string() + std::string(6, 'X');
    if (!::mkdtemp(name.data())) throw Error("no folder for a test", name, "free some space in /tmp");
    return name;
}

}  // namespace

Supervised::Supervised() : folder(new_folder()) {
    supervision.command = {"gradus", "pretrain", "a recipe.toml"};
    supervision.auto_resume = true;
    supervision.newest_checkpoint = [this] { return number_in(folder / "step"); };
    supervision.first_wait = 0.01;
}

Supervised::~Supervised() {
    if (process_ > 0) {
        ::kill(process_, SIGTERM);
        ::kill(process_, SIGINT);
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
    }
    fs::remove_all(folder);
}

void Supervised::script(const std::string& text) {
    write_file_atomically(folder / "launcher", "echo start >>starts\n" + text);
    supervision.launcher = {"sh", (folder / "launcher").string()};
}

void Supervised::start(const std::function<void()>& first) {
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ > 0) return;
    const int told = ::open((folder / "told").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (told < 0 || ::dup2(told, STDERR_FILENO) < 0 || ::chdir(folder.c_str()) != 0) ::_exit(99);
    if (first) first();
    try {
        ::_exit(supervise(supervision));
    } catch (const Error& e) {
        std::fputs((e.text() + "\n").c_str(), stderr);
        ::_exit(1);
    }
}

int Supervised::status() {
    int status = -1;
    REQUIRE(::waitpid(process_, &status, 0) == process_);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Supervised::signal(int number) { REQUIRE(::kill(process_, number) == 0); }

bool Supervised::has(const std::string& file) const {
    std::error_code ignored;
    return fs::exists(folder / file, ignored);
}

std::string Supervised::text(const std::string& file) const { return has(file) ? read_file(folder / file) : ""; }

void Supervised::wait_for(const std::string& file, const std::string& wanted) const {
    const bool came = comes_true([&] { return has(file) && text(file).find(wanted) != std::string::npos; });
    INFO("waiting for '" << wanted << "' in '" << file << "'; told so far: " << told());
    REQUIRE(came);
}

bool Supervised::ends(pid_t process) {
    REQUIRE(process > 0);
    return comes_true([process] {
        // PID (name) STATE …
        std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
        std::string line;
        const bool there = bool(std::getline(stat, line));
        const size_t end_of_name = line.rfind(')');
        return !there || (end_of_name != std::string::npos && line.compare(end_of_name, 3, ") Z") == 0);
    });
}

int Supervised::starts() const {
    const std::string lines = text("starts");
    return int(std::count(lines.begin(), lines.end(), '\n'));
}

}  // namespace gradus
