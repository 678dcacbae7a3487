#pragma once

/// Marks what libmillrace.so exports; everything else in it is hidden.
#define MILLRACE_EXPORT __attribute__((visibility("default")))
