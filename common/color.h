// color: whether our own messages are coloured. Not for what workers and builds print.
#pragma once

namespace oneloop::log {

enum class Color { automatic, always, never };  // automatic: on a terminal, unless NO_COLOR is set

// Before open(), which looks at it.
void set_color(Color color);

}  // namespace oneloop::log
