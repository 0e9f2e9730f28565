// One environment variable for the length of a scope.
#pragma once

#include <stdlib.h>

#include <optional>
#include <string>

namespace oneloop::test {

class ScopedEnv {
  public:
    // nullopt unsets it.
    ScopedEnv(std::string name, const std::optional<std::string>& value) : name_(std::move(name)) {
        if (const char* before = ::getenv(name_.c_str())) before_ = before;
        set(value);
    }
    ~ScopedEnv() { set(before_); }
    ScopedEnv(const ScopedEnv&) = delete;
    ScopedEnv& operator=(const ScopedEnv&) = delete;

  private:
    void set(const std::optional<std::string>& value) {
        if (value) {
            ::setenv(name_.c_str(), value->c_str(), 1);
        } else {
            ::unsetenv(name_.c_str());
        }
    }
    std::string name_;
    std::optional<std::string> before_;
};

}  // namespace oneloop::test
