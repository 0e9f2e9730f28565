// verdict: what the end of an exchange with a receiver means.
//
// What a library calls the end differs between its versions and says too little; what counts is
// whether the receiver has been given the end of the payload, and the last thing that it answered.
// Pure; any thread.
#pragma once

#include <string>

#include "worker/outbox.h"

namespace oneloop::worker {

struct Exchange {
    bool complete = false;   // the library is content
    bool stopped = false;    // we gave up because the worker stops
    bool armed = false;      // the receiver has, or may have, the end of the payload
    int code = 0;            // of the last answer; 0: none
    std::string answer;      // its text
    std::string error;       // of the library
    bool addressed = false;  // smtp: MAIL was sent, so a refusal is about this message
};

Outcome judge_smtp(const Exchange& exchange);
Outcome judge_http(const Exchange& exchange);

// `status`: of wait(2), decoded: an exit code, or a signal (not 0). `late`: it was ended by us.
Outcome judge_exec(int exit_code, int signal, bool late, const std::string& last_line);

}  // namespace oneloop::worker
