#include "worker/mime.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace oneloop::worker {
namespace {

constexpr std::size_t longest_line = 76;
constexpr std::size_t bytes_per_word = 42;  // with "Subject: " and "=?UTF-8?B?...?=" a line of 77

std::string hex(unsigned char c) {
    constexpr const char* digits = "0123456789ABCDEF";
    return {'=', digits[c >> 4], digits[c & 15]};
}

std::string base64(std::string_view text) {
    constexpr const char* digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        unsigned value = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            value =
                value << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            const bool there = i + j <= text.size();
            out += there ? digits[value >> (18 - 6 * j) & 63] : '=';
        }
    }
    return out;
}

// The longest beginning of at most `most` bytes that does not end inside a UTF-8 character.
std::size_t cut(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text.size();
    std::size_t size = most;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80)
        --size;
    return size == 0 ? most : size;
}

bool printable(char c) {
    return c >= 0x20 && c < 0x7F;
}

bool plain_word(std::string_view text) {
    return std::all_of(text.begin(), text.end(), printable) &&
           text.find("=?") == std::string_view::npos && text.size() <= 60;
}

std::string two(int value) {
    return {static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
}

std::string format_mailbox(const Mailbox& box) {
    if (box.name.empty()) return box.address;
    std::string name = box.name;
    if (!plain_word(name)) return encode_header(name) + "\r\n <" + box.address + ">";
    // A quoted-string, RFC 5322 3.2.4.
    std::string quoted = "\"";
    for (const char c : name) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "\" <" + box.address + ">";
}

}  // namespace

std::optional<Mailbox> parse_mailbox(std::string_view text) {
    const auto trim = [](std::string_view part) {
        while (!part.empty() && part.front() == ' ')
            part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ')
            part.remove_suffix(1);
        return part;
    };
    Mailbox box;
    std::string_view address = trim(text);
    if (!address.empty() && address.back() == '>') {
        const auto open = address.find('<');
        if (open == std::string_view::npos) return std::nullopt;
        std::string_view name = trim(address.substr(0, open));
        if (name.size() >= 2 && name.front() == '"' && name.back() == '"')
            name = name.substr(1, name.size() - 2);
        box.name = std::string(name);
        address = address.substr(open + 1, address.size() - open - 2);
    }
    const auto at = address.rfind('@');
    const bool good = at != std::string_view::npos && at > 0 && at + 1 < address.size() &&
                      std::all_of(address.begin(), address.end(), [](char c) {
                          return printable(c) && c != ' ' && c != '<' && c != '>' && c != ',' &&
                                 c != ';' && c != '"' && c != '\\' && c != '(' && c != ')';
                      });
    if (!good || address.size() > 254) return std::nullopt;
    for (const char c : box.name) {
        if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
    }
    box.address = std::string(address);
    return box;
}

std::string encode_header(std::string_view text) {
    if (plain_word(text)) return std::string(text);
    std::string clean(text);
    for (char& c : clean) {
        if (c == '\r' || c == '\n' || c == '\t' || c == '\0') c = ' ';
    }
    std::string out;
    for (std::string_view rest = clean; !rest.empty();) {
        const auto size = cut(rest, bytes_per_word);
        // Encoded words are separated by folding, which a reader takes out again (RFC 2047, 6.2).
        out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64(rest.substr(0, size));
        out += "?=";
        rest.remove_prefix(size);
    }
    return out;
}

std::string quoted_printable(std::string_view text) {
    std::string out;
    std::size_t column = 0;
    const auto put = [&](const std::string& what) {
        if (column + what.size() > longest_line - 1) {
            out += "=\r\n";
            column = 0;
        }
        // Also at the beginning of a line that a soft break has made.
        const std::string safe = column == 0 && what == "." ? "=2E" : what;
        out += safe;
        column += safe.size();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool carriage = c == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
        if (carriage) continue;
        if (c == '\n') {
            out += "\r\n";
            column = 0;
            continue;
        }
        const char next = i + 1 < text.size() ? text[i + 1] : '\n';
        const bool at_end = next == '\n' || next == '\r';
        const bool blank = c == ' ' || c == '\t';
        const bool itself = (printable(c) && c != '=' && !blank) || (blank && !at_end);
        put(itself ? std::string(1, c) : hex(static_cast<unsigned char>(c)));
    }
    return out;
}

std::string format_mail_date(LocalTime local, WallTime wall) {
    using namespace std::chrono;
    constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = floor<std::chrono::days>(local);
    const year_month_day date{day};
    const hh_mm_ss time{local - day};
    const auto utc = floor<seconds>(wall).time_since_epoch();
    const auto offset = duration_cast<minutes>(local.time_since_epoch() - utc).count();
    const auto size = static_cast<int>(std::abs(offset));
    return std::string(days[weekday{day}.c_encoding()]) + ", " +
           std::to_string(static_cast<unsigned>(date.day())) + " " +
           months[static_cast<unsigned>(date.month()) - 1] + " " +
           std::to_string(static_cast<int>(date.year())) + " " +
           two(static_cast<int>(time.hours().count())) + ":" +
           two(static_cast<int>(time.minutes().count())) + ":" +
           two(static_cast<int>(time.seconds().count())) + " " + (offset < 0 ? "-" : "+") +
           two(size / 60) + two(size % 60);
}

std::string escape_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string write_mail(const Mail& mail) {
    // "=_" can't stand in quoted-printable text (RFC 2045, 6.7), so the boundary is in no part.
    const std::string boundary = "=_" + mail.key;
    const auto part = [&](const char* type, const std::string& body) {
        return "--" + boundary + "\r\nContent-Type: " + type +
               "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
               quoted_printable(body) + "\r\n";
    };
    return "Date: " + mail.date + "\r\nFrom: " + format_mailbox(mail.from) +
           "\r\nTo: " + format_mailbox(mail.to) + "\r\nSubject: " + encode_header(mail.subject) +
           "\r\nMessage-ID: <oneloop." + mail.key + "@" + mail.domain +
           ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
           "Content-Type: multipart/alternative; boundary=\"" +
           boundary + "\"\r\n\r\n" + part("text/plain", mail.text) + part("text/html", mail.html) +
           "--" + boundary + "--\r\n";
}

std::string message_id_of(std::string_view mail) {
    constexpr std::string_view name = "Message-ID: ";
    while (!mail.empty()) {
        const std::string_view line = mail.substr(0, mail.find("\r\n"));
        if (line.empty()) break;  // the end of the header
        if (line.starts_with(name)) return std::string(line.substr(name.size()));
        mail.remove_prefix(std::min(line.size() + 2, mail.size()));
    }
    return {};
}

}  // namespace oneloop::worker
