// The corpus of tests/fuzz/request_fuzz.cpp, replayed: each file whole, truncated at every byte,
// and with every byte damaged.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/read_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace oneloop {
namespace {

void feed(const std::string& bytes) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

TEST(RequestCorpus, every_file_whole_truncated_and_damaged) {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(ONELOOP_REQUEST_CORPUS)) {
        const std::string bytes = read_text(entry.path());
        ++files;
        feed(bytes);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            feed(bytes.substr(0, size));
            std::string damaged = bytes;
            for (const unsigned flip : {0x01U, 0x20U, 0x80U, 0xFFU}) {
                damaged[size] = static_cast<char>(static_cast<unsigned char>(bytes[size]) ^ flip);
                feed(damaged);
            }
        }
    }
    EXPECT_GE(files, 12);
}

}  // namespace
}  // namespace oneloop
