#pragma once

/// The version of the project; CMake reads it here.
#define MILLRACE_VERSION "0.1.0"
