// inotify_decode: buffers built by hand, cut at every length, and one made by the kernel.
#include "supervisor/inotify_decode.h"

#include <gtest/gtest.h>
#include <limits.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "common/unique_fd.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

using Bytes = std::vector<std::byte>;

// As the kernel lays it out: header, name, NUL padding to `length` bytes in all.
void append(Bytes& bytes, const InotifyEvent& event, std::size_t length) {
    inotify_event header{};
    header.wd = event.wd;
    header.mask = event.mask;
    header.cookie = event.cookie;
    header.len = static_cast<std::uint32_t>(length);
    const auto* raw = reinterpret_cast<const std::byte*>(&header);
    bytes.insert(bytes.end(), raw, raw + sizeof header);
    const std::size_t begin = bytes.size();
    bytes.resize(begin + length);
    std::memcpy(bytes.data() + begin, event.name.data(), std::min(event.name.size(), length));
}

// The kernel pads name and its NUL to a multiple of the header's size.
std::size_t padded(const std::string& name) {
    const std::size_t unit = sizeof(inotify_event);
    return name.empty() ? 0 : (name.size() + 1 + unit - 1) / unit * unit;
}

Bytes encode(const std::vector<InotifyEvent>& events) {
    Bytes bytes;
    for (const auto& event : events)
        append(bytes, event, padded(event.name));
    return bytes;
}

const std::vector<InotifyEvent> several = {
    {1, IN_CLOSE_WRITE, 0, "app.py"}, {2, IN_MOVED_FROM, 77, std::string(255, 'x')},
    {3, IN_MOVED_TO, 77, "y"},        {3, IN_DELETE_SELF, 0, ""},
    {-1, IN_Q_OVERFLOW, 0, ""},       {4, IN_CREATE | IN_ISDIR, 0, "with space\nand newline"},
    {5, IN_IGNORED, 0, ""},
};

TEST(InotifyDecode, an_empty_buffer_holds_nothing) {
    const auto batch = decode_inotify({});
    EXPECT_TRUE(batch.events.empty());
    EXPECT_FALSE(batch.malformed);
}

TEST(InotifyDecode, several_events_come_out_as_they_went_in) {
    const auto batch = decode_inotify(encode(several));
    EXPECT_EQ(batch.events, several);
    EXPECT_FALSE(batch.malformed);
}

TEST(InotifyDecode, an_overflow_has_no_watch) {
    const auto batch = decode_inotify(encode({{-1, IN_Q_OVERFLOW, 0, ""}}));
    ASSERT_EQ(batch.events.size(), 1U);
    EXPECT_EQ(batch.events[0].wd, -1);
    EXPECT_EQ(batch.events[0].mask, static_cast<std::uint32_t>(IN_Q_OVERFLOW));
}

TEST(InotifyDecode, every_name_length_with_every_padding) {
    for (std::size_t length = 0; length <= NAME_MAX; ++length) {
        const InotifyEvent event{9, IN_MODIFY, 0, std::string(length, 'n')};
        for (std::size_t padding = 1; padding <= 32; ++padding) {
            Bytes bytes;
            append(bytes, event, length + padding);
            const auto batch = decode_inotify(bytes);
            ASSERT_EQ(batch.events, std::vector{event}) << length << '+' << padding;
            ASSERT_FALSE(batch.malformed);
        }
    }
}

TEST(InotifyDecode, a_name_without_a_final_nul_ends_with_its_length) {
    Bytes bytes;
    append(bytes, {1, IN_MODIFY, 0, "abcd"}, 4);
    append(bytes, {2, IN_MODIFY, 0, "efgh"}, 4);
    const auto batch = decode_inotify(bytes);
    ASSERT_EQ(batch.events.size(), 2U);
    EXPECT_EQ(batch.events[0].name, "abcd");
    EXPECT_EQ(batch.events[1].name, "efgh");
}

TEST(InotifyDecode, every_truncation_of_two_events_is_noticed) {
    const std::vector<InotifyEvent> two = {{1, IN_CLOSE_WRITE, 0, "first.py"},
                                           {2, IN_MOVED_TO, 5, "second.py"}};
    const Bytes whole = encode(two);
    const std::size_t boundary = encode({two[0]}).size();
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        // An exact copy, so that AddressSanitizer sees a read behind its end.
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const auto batch = decode_inotify(cut);
        const bool complete = length == 0 || length == boundary || length == whole.size();
        EXPECT_EQ(batch.malformed, !complete) << length;
        const std::size_t events = length == whole.size() ? 2 : length >= boundary ? 1 : 0;
        ASSERT_EQ(batch.events.size(), events) << length;
        for (std::size_t i = 0; i < events; ++i)
            EXPECT_EQ(batch.events[i], two[i]);
    }
}

TEST(InotifyDecode, a_length_beyond_the_buffer_is_malformed) {
    for (const std::uint32_t length : {17U, 4096U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
        Bytes bytes;
        append(bytes, {1, IN_MODIFY, 0, "name"}, 16);
        std::memcpy(bytes.data() + offsetof(inotify_event, len), &length, sizeof length);
        const auto batch = decode_inotify(bytes);
        EXPECT_TRUE(batch.malformed) << length;
        EXPECT_TRUE(batch.events.empty()) << length;
    }
}

TEST(InotifyDecode, the_buffer_need_not_be_aligned) {
    const Bytes bytes = encode(several);
    for (std::size_t shift = 1; shift < 16; ++shift) {
        Bytes moved(shift);
        moved.insert(moved.end(), bytes.begin(), bytes.end());
        EXPECT_EQ(decode_inotify(std::span(moved).subspan(shift)).events, several) << shift;
    }
}

TEST(InotifyDecode, what_the_kernel_writes) {
    const test::TempDir dir;
    const UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    ASSERT_TRUE(fd);
    const int wd = ::inotify_add_watch(
        fd.get(), dir.path().c_str(),
        IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF);
    ASSERT_GE(wd, 0);
    const std::string long_name(NAME_MAX, 'l');
    test::write_file(dir / "a", "text");
    ASSERT_EQ(::rename((dir / "a").c_str(), (dir / long_name).c_str()), 0);
    ASSERT_EQ(::unlink((dir / long_name).c_str()), 0);
    ASSERT_EQ(::rmdir(dir.path().c_str()), 0);

    Bytes bytes(64 * 1024);
    const ssize_t size = ::read(fd.get(), bytes.data(), bytes.size());
    ASSERT_GT(size, 0);
    bytes.resize(static_cast<std::size_t>(size));
    auto batch = decode_inotify(bytes);
    EXPECT_FALSE(batch.malformed);
    ASSERT_EQ(batch.events.size(), 7U);
    const auto cookie = batch.events[2].cookie;
    EXPECT_NE(cookie, 0U);
    const std::vector<InotifyEvent> expected = {
        {wd, IN_CREATE, 0, "a"},          {wd, IN_CLOSE_WRITE, 0, "a"},
        {wd, IN_MOVED_FROM, cookie, "a"}, {wd, IN_MOVED_TO, cookie, long_name},
        {wd, IN_DELETE, 0, long_name},    {wd, IN_DELETE_SELF, 0, ""},
        {wd, IN_IGNORED, 0, ""},
    };
    EXPECT_EQ(batch.events, expected);
}

}  // namespace
}  // namespace oneloop
