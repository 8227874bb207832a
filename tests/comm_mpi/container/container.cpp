// container no-sys|no-reading PROGRAM ARGUMENTS…: runs it as in a container
//
//   no-sys       /sys is empty, as in a bare chroot
//   no-reading   processes cannot read each other's memory (process_vm_readv), as in many container runtimes
//
// Exit status 77, without output, if this machine does not permit it.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

static bool cover_sys() {
    if (::unshare(CLONE_NEWNS) != 0) return false;
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("none", "/sys", "tmpfs", 0, nullptr) == 0;
}

static bool deny_reading() {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    if (!(std::strcmp(argv[1], "no-sys") == 0 ? cover_sys() : deny_reading())) return 77;
    ::execvp(argv[2], argv + 2);
    std::perror(argv[2]);
    return 127;
}
