#pragma once
// A part of a test that runs under a limit of the system: in a child process, whose words come back.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>

namespace gradus::test {

struct Heard {
    int status = -1;   // of the child: 0 where the body ended
    std::string text;  // its standard output and standard error
};

// An exception ends the child with 1.
template <class Body>
Heard in_a_child(Body&& body) {
    Heard heard;
    int ends[2];
    if (::pipe(ends) != 0) return heard;
    std::cout.flush();  // or the child would say it again
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        int status = 1;
        if (::dup2(ends[1], STDOUT_FILENO) >= 0 && ::dup2(ends[1], STDERR_FILENO) >= 0) {
            try {
                body();
                status = 0;
            } catch (...) { status = 1; }
            std::fflush(stdout);
        }
        ::_exit(status);
    }
    ::close(ends[1]);
    char piece[4096];
    for (ssize_t n; (n = ::read(ends[0], piece, sizeof piece)) > 0;) heard.text.append(piece, size_t(n));
    ::close(ends[0]);
    int status = -1;
    ::waitpid(child, &status, 0);
    heard.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return heard;
}

inline void limit(int resource, rlim_t most) {
    rlimit now{};
    ::getrlimit(__rlimit_resource_t(resource), &now);
    now.rlim_cur = most;
    ::setrlimit(__rlimit_resource_t(resource), &now);
}

// Becomes a user without processes, who may have so many; root alone can, and nothing limits root.
inline bool become_a_user_with(rlim_t processes) {
    constexpr uid_t nobody_else = 54321;
    if (::geteuid() != 0 || ::setgid(nobody_else) != 0) return false;
    limit(RLIMIT_NPROC, processes);
    return ::setuid(nobody_else) == 0;
}

}  // namespace gradus::test
