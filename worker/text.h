// Text as cinema APIs send it and as people compare it: HTML entities, spacing, templates.
//
// Not for what a person reads on the console (console.h). Pure; any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "worker/calendar.h"

namespace oneloop::worker {

// Decodes &#40; &#x28; and the named entities that showtime APIs use. What is not an entity stays
// as it is, so that unescaping plain text changes nothing.
// Source: HTML Living Standard, 13.5 "Named character references".
std::string html_unescape(std::string_view text);

// For comparing titles: without spaces and hyphens (also the ideographic space and the dashes of
// U+2010-2015), ASCII letters in lower case.
std::string simplify(std::string_view text);

// Cuts to what fits in one log line: control characters become spaces, at most `limit` bytes,
// never inside a UTF-8 character.
std::string one_line(std::string_view text, std::size_t limit = 200);

// "m***@example.com"; "***" where no name can be told from a host; nothing of nothing.
std::string veiled(const std::string& address);
// `text` with `address` veiled wherever it says it, as a server's reply does.
std::string without_address(std::string text, const std::string& address);

// Replaces {date:PATTERN} and {today:PATTERN} (format_date's pattern) and nothing else, so that a
// JSON body with braces of its own can be a template.
std::string expand_dates(std::string_view text, Date date, Date today);

// Replaces every {name} with value_of(name).
std::string expand(std::string_view text,
                   const std::function<std::string(std::string_view name)>& value_of);

}  // namespace oneloop::worker
