// One mail, byte for byte.
#include "worker/mime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oneloop::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t from = 0;
    for (auto end = text.find("\r\n"); end != std::string::npos; end = text.find("\r\n", from)) {
        lines.push_back(text.substr(from, end - from));
        from = end + 2;
    }
    lines.push_back(text.substr(from));
    return lines;
}

TEST(Mime, Mailboxes) {
    EXPECT_EQ(parse_mailbox("a@example.com"), (Mailbox{"", "a@example.com"}));
    EXPECT_EQ(parse_mailbox(" 원루프 <a@example.com> "), (Mailbox{"원루프", "a@example.com"}));
    EXPECT_EQ(parse_mailbox("\"One, Loop\" <a@b>"), (Mailbox{"One, Loop", "a@b"}));
    for (const char* bad : {"", "a", "@b", "a@", "a b@c", "<a@b", "a@b, c@d", "a@b\r\nBcc: c@d",
                            "한@example.com", "x\r\nBcc: c@d <a@b>", "a@b>\r\nRCPT TO:<c@d>"}) {
        EXPECT_FALSE(parse_mailbox(bad)) << bad;
    }
}

TEST(Mime, HeadersArePlainWhenTheyCanBe) {
    EXPECT_EQ(encode_header("two new showtimes"), "two new showtimes");
    EXPECT_EQ(encode_header("반지"), "=?UTF-8?B?67CY7KeA?=");
    EXPECT_EQ(encode_header("=?x"), "=?UTF-8?B?PT94?=");
}

TEST(Mime, NoHeaderEndsEarly) {
    const std::string header = encode_header("x\r\nBcc: evil@example.com");
    EXPECT_EQ(header.find("Bcc"), std::string::npos);
    EXPECT_EQ(header.find('\r'), std::string::npos);
}

TEST(Mime, ALongSubjectIsFoldedBetweenCharacters) {
    std::string subject;
    for (int i = 0; i < 60; ++i)
        subject += "한글 ";
    for (const std::string& line : lines_of("Subject: " + encode_header(subject))) {
        EXPECT_LE(line.size(), 78U);
        const auto from = line.find("?B?") + 3;
        const std::string coded = line.substr(from, line.find("?=") - from);
        EXPECT_EQ(coded.size() % 4, 0U);
    }
}

TEST(Mime, QuotedPrintable) {
    EXPECT_EQ(quoted_printable("a=b"), "a=3Db");
    EXPECT_EQ(quoted_printable("한"), "=ED=95=9C");
    EXPECT_EQ(quoted_printable("a \nb\t\n"), "a=20\r\nb=09\r\n");
    EXPECT_EQ(quoted_printable("a\r\nb"), "a\r\nb");
    EXPECT_EQ(quoted_printable("lone\rreturn"), "lone=0Dreturn");
    // A line that is a dot alone ends a mail for who forgets to double it.
    EXPECT_EQ(quoted_printable("x\n.\ny"), "x\r\n=2E\r\ny");
    for (const std::string& line : lines_of(quoted_printable(std::string(1000, 'x') + "한글.")))
        EXPECT_LE(line.size(), 76U);
}

TEST(Mime, EveryByteIsSevenBitsWhateverIsSaid) {
    std::string all;
    for (int i = 0; i < 256; ++i)
        all += static_cast<char>(i);
    const std::string mail =
        write_mail({{all.substr(32), "a@b"}, {"", "c@d"}, all, all, all, "key", "b", "date"});
    for (std::size_t i = 0; i < mail.size(); ++i) {
        EXPECT_LT(static_cast<unsigned char>(mail[i]), 0x7F) << i;
        if (mail[i] == '\n') {
            EXPECT_EQ(mail[i - 1], '\r') << i;
        }
    }
}

TEST(Mime, ADateInItsZone) {
    const WallTime wall{std::chrono::sys_days{std::chrono::year{2025} / 11 / 25} + 11h + 48min +
                        45s};
    const auto local = [&](std::chrono::minutes offset) {
        return LocalTime{std::chrono::floor<std::chrono::seconds>(wall).time_since_epoch() +
                         offset};
    };
    EXPECT_EQ(format_mail_date(local(9h), wall), "Tue, 25 Nov 2025 20:48:45 +0900");
    EXPECT_EQ(format_mail_date(local(-210min), wall), "Tue, 25 Nov 2025 08:18:45 -0330");
    EXPECT_EQ(format_mail_date(local(0min), wall + 999ms), "Tue, 25 Nov 2025 11:48:45 +0000");
}

TEST(Mime, AWholeMail) {
    const std::string mail = write_mail({{"원루프", "a@example.com"},
                                         {"", "b@example.org"},
                                         "별의 아이",
                                         "text\n",
                                         "<p>html</p>\n",
                                         "k3y",
                                         "example.com",
                                         "Tue, 25 Nov 2025 20:48:45 +0900"});
    EXPECT_EQ(mail,
              "Date: Tue, 25 Nov 2025 20:48:45 +0900\r\n"
              "From: =?UTF-8?B?7JuQ66Oo7ZSE?=\r\n <a@example.com>\r\n"
              "To: b@example.org\r\n"
              "Subject: =?UTF-8?B?67OE7J2YIOyVhOydtA==?=\r\n"
              "Message-ID: <oneloop.k3y@example.com>\r\n"
              "Auto-Submitted: auto-generated\r\n"
              "MIME-Version: 1.0\r\n"
              "Content-Type: multipart/alternative; boundary=\"=_k3y\"\r\n\r\n"
              "--=_k3y\r\nContent-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n\r\ntext\r\n\r\n"
              "--=_k3y\r\nContent-Type: text/html; charset=utf-8\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>html</p>\r\n\r\n"
              "--=_k3y--\r\n");
}

}  // namespace
}  // namespace oneloop::worker
