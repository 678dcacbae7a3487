#pragma once

#include "syntax/ast_base.h"
#include "syntax/ast_expression.h"
#include "syntax/ast_query.h"
#include "syntax/ast_statement.h"
