#pragma once
// A program that scores answers, of any language. It is started once, through the shell, and stays until the run ends. For each
// answer it is sent one line on its standard input, and writes one line on its standard output, in the same order:
//
//   {"prompt": TEXT or MESSAGES, "response": TEXT, "reference": TEXT}       reference is "" if the data have none
//   {"score": NUMBER or null}                                               null: this answer has no score
//
// All lines of an iteration are sent at once, so it may judge several at a time; it must write a line as soon as it is complete
// (python: print(line, flush=True)). What it writes on standard error is shown. At the end of input it is to end.
#include <sys/types.h>

#include <string>

#include "tools/align/answer_scores.h"

namespace gradus {

class RewardProgram {
public:
    // `seconds`: how long the scores of one call may take. Error if it cannot be started. SIGPIPE is ignored from
    // here on.
    RewardProgram(std::string command, double seconds);
    // Closes its input; a program that does not end within a few seconds is killed, with its children.
    ~RewardProgram();
    RewardProgram(const RewardProgram&) = delete;
    RewardProgram& operator=(const RewardProgram&) = delete;

    // A score for each line. Errors: the program ends, takes too long, or writes something else than what is described above.
    AnswerScores scores(const std::vector<std::string>& lines);

private:
    bool send(const std::string& text, size_t& sent);
    bool receive();
    [[noreturn]] void ended(const std::string& question, size_t received, size_t expected);
    [[noreturn]] void refuse_reply(const std::string& line, size_t number) const;
    AnswerScores parsed(const std::vector<std::string>& lines) const;

    std::string command_;
    double seconds_;
    pid_t process_ = -1;
    int to_ = -1, from_ = -1;  // its standard input and output
    bool asked_ = false;       // before
    std::string buffer_;       // received, but not yet used
};

}  // namespace gradus
