// A directory of our own (0700) for one test, gone with it. Under $TMPDIR or /tmp.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "common/read_text.h"

namespace oneloop::test {

class TempDir {
  public:
    explicit TempDir(const std::string& below = std::filesystem::temp_directory_path().string()) {
        std::string pattern = below + "/oneloop-test-XXXXXX";
        if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
        path_ = pattern;
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string operator/(const std::string& name) const {
        return path_ + "/" + name;
    }

  private:
    std::string path_;
};

inline void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc | std::ios::binary) << text;
}

inline std::string read_file(const std::string& path) {
    return read_text(path);
}

}  // namespace oneloop::test
