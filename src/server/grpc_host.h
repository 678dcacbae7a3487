#pragma once

#include <stddef.h>

/// The C interface of libmillrace_grpc.so: a server that takes unary calls of any method.

#ifdef __cplusplus
extern "C" {
#endif

typedef struct MillraceGrpcServer MillraceGrpcServer;

/// Where the answer of a call goes; `MillraceGrpcAnswer` is called with it exactly once, on any
/// thread. `code` is one of gRPC's; with 0 the bytes are the message, else a text.
typedef struct MillraceGrpcReply MillraceGrpcReply;
typedef void (*MillraceGrpcAnswer)(MillraceGrpcReply* reply, int code, const char* bytes,
                                   size_t size);

/// A call: `method` is "/inference.GRPCInferenceService/ModelInfer". The bytes live until it
/// returns. Called on any of the server's threads, several at a time.
typedef void (*MillraceGrpcHandler)(void* context, const char* method, const char* request,
                                    size_t size, MillraceGrpcReply* reply,
                                    MillraceGrpcAnswer answer);

/// Listens. `*port` 0: any free one; it is set to the one that was taken. Null where the address
/// cannot be had.
typedef MillraceGrpcServer* (*MillraceGrpcStart)(const char* host, int* port,
                                                 size_t max_message_bytes,
                                                 MillraceGrpcHandler handler, void* context);
/// Takes no more calls and returns when those at work are answered.
typedef void (*MillraceGrpcStop)(MillraceGrpcServer* server);

#ifdef __cplusplus
}
#endif
