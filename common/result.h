// Result<T>: a value or an Error, for everything that may fail inside a loop.
//
// Start-up code throws instead and is caught once in main. A function that returns an Error
// does not log it; whoever decides what the failure means does.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace oneloop {

struct Error {
    std::string what;  // names the call and its object: "open /x/worker.lock: Permission denied"
    int code = 0;      // errno, or 0 where no system call failed

    friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(std::string what, int code = 0) {
    return tl::unexpected<Error>(Error{std::move(what), code});
}

// Takes errno at once, before anything else can change it.
inline tl::unexpected<Error> fail_errno(const std::string& call, int code = errno) {
    return fail(call + ": " + std::strerror(code), code);
}

}  // namespace oneloop
