#pragma once

#include <limits>

#include "models/pmml/document.h"

namespace millrace::pmml {

/// An <Interval> of numbers.
struct Interval {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool with_low = true, with_high = true;

  bool Contains(double x) const {
    return (with_low ? x >= low : x > low) && (with_high ? x <= high : x < high);
  }

  static Interval Read(const Element& element) {
    struct Ends {
      bool low, high;
    };
    element.RequireText("closure");
    const Ends closed = element.Choice<Ends>("closure", {{"closedClosed", {true, true}},
                                                         {"closedOpen", {true, false}},
                                                         {"openClosed", {false, true}},
                                                         {"openOpen", {false, false}}});
    Interval interval;
    interval.low = element.Number("leftMargin", interval.low);
    interval.high = element.Number("rightMargin", interval.high);
    interval.with_low = closed.low;
    interval.with_high = closed.high;
    return interval;
  }
};

}  // namespace millrace::pmml
