#pragma once

#include <memory>

#include "spi/function.h"

namespace millrace::functions {

enum class Gathered { kList, kJoined, kLeast, kGreatest, kFirst, kLast };

/// An aggregate that remembers every value of a key, in the order of arrival, so that each can be
/// taken back: the one that came first among equal ones goes. Its work per batch grows with the
/// values of the keys that the batch touches.
std::unique_ptr<Aggregator> MakeGathered(const SqlType& argument, Gathered what);

}  // namespace millrace::functions
