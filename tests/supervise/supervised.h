#pragma once
// A supervisor in a process of its own, whose launcher is a shell script of the test.
#include <sys/types.h>

#include <functional>
#include <string>

#include "engine/base/file.h"
#include "tools/supervise/supervise.h"

namespace gradus {

class Supervised {
public:
    Supervised();
    ~Supervised();  // leaves nothing running

    // The launcher: `sh FOLDER/launcher WORDS-OF-THE-COMMAND`. It finds itself in the folder. The newest checkpoint is the number
    // in the file `step`; `starts` gets a line a start.
    void script(const std::string& text);

    Supervision supervision;                              // what start() takes
    void start(const std::function<void()>& first = {});  // `first` is called in the new process
    int status();                                         // waits for its end: 128 + n for signal n
    void signal(int number);

    bool has(const std::string& file) const;
    std::string text(const std::string& file) const;  // "" when it is not there
    // Until the file is there and holds the text; fails the test after a minute.
    void wait_for(const std::string& file, const std::string& text = "") const;
    int starts() const;
    std::string told() const { return text("told"); }  // on standard error, by all

    // Until that process is gone, or nothing but a number that nobody asked for; false after a minute.
    static bool ends(pid_t process);

    const fs::path folder;

private:
    pid_t process_ = -1;
};

}  // namespace gradus
