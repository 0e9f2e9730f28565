// Names that must come out the same in every release: they are Message-IDs and idempotency keys.
#include "worker/hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oneloop::worker {
namespace {

std::string hex(const std::string& text) {
    std::string out;
    for (const auto byte : sha256(text)) {
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

// FIPS 180-4's own examples.
TEST(Hash, TheExamplesOfTheStandard) {
    EXPECT_EQ(hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(hex(std::string(1'000'000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Hash, ANameIsStableAndSafeInAnAddress) {
    const std::string name = name_for({"job", "watch", "opened", "2512047011012", "1"});
    EXPECT_EQ(name.size(), 26U);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos);
    EXPECT_EQ(name, name_for({"job", "watch", "opened", "2512047011012", "1"}));
    EXPECT_NE(name, name_for({"job", "watch", "opened", "2512047011012", "2"}));
}

TEST(Hash, WhereAPartEndsCounts) {
    EXPECT_NE(name_for({"ab", "c"}), name_for({"a", "bc"}));
    EXPECT_NE(name_for({"a", ""}), name_for({"a"}));
    EXPECT_NE(name_for({"1:a"}), name_for({"1", "a"}));
}

}  // namespace
}  // namespace oneloop::worker
