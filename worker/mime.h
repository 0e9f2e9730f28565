// mime: one e-mail as bytes (RFC 5322, 2045, 2047), the same for the same values.
//
// Everything is 7-bit: headers as encoded words, bodies quoted-printable, so that no server on the
// way has a reason to change or to refuse it. Addresses are ASCII.
// Not for what it says (message.h) or for dot-stuffing, which libcurl does. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "worker/calendar.h"

namespace oneloop::worker {

struct Mailbox {
    std::string name;  // may be empty
    std::string address;

    friend bool operator==(const Mailbox&, const Mailbox&) = default;
};

// "Name <a@example.com>" or "a@example.com". Nothing when the address is none, or is not ASCII.
std::optional<Mailbox> parse_mailbox(std::string_view text);

struct Mail {
    Mailbox from;
    Mailbox to;
    std::string subject;
    std::string text;
    std::string html;
    std::string key;     // becomes Message-ID and boundary
    std::string domain;  // right of the @ in the Message-ID
    std::string date;    // format_mail_date
};

// With CRLF line ends; "multipart/alternative" of text and HTML.
std::string write_mail(const Mail& mail);
// Of a mail that write_mail made, with its angle brackets; empty: it has none.
std::string message_id_of(std::string_view mail);

// A header's value, folded so that no line is longer than 76. Line ends in `text` become blanks.
std::string encode_header(std::string_view text);
// RFC 2045, 6.7. A '.' that begins a line is encoded too.
std::string quoted_printable(std::string_view text);
// "Tue, 25 Nov 2025 20:48:45 +0900", from one instant in both forms.
std::string format_mail_date(LocalTime local, WallTime wall);

std::string escape_html(std::string_view text);

}  // namespace oneloop::worker
