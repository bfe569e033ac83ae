//! What an expression may be made of: a list of what is allowed, so that what the parser learns tomorrow is
//! refused until someone decides.

use datafusion_sql::sqlparser::ast::{
    BinaryOperator, CeilFloorKind, DataType, DateTimeField, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, ObjectNamePart, UnaryOperator, Value,
};

use super::functions::{Functions, Lookup};

/// Digits of the largest integers that can be compared.
const MAX_DIGITS: usize = 76;
/// Characters `lpad` and `rpad` may fill up to.
const MAX_PADDING: u64 = 1_000;

/// Why a part is not allowed, and what to do.
pub(super) type Refusal = (String, Option<String>);

pub(super) fn refuse<T>(message: impl Into<String>, hint: &str) -> Result<T, Refusal> {
    let hint = (!hint.is_empty()).then(|| hint.to_owned());
    Err((message.into(), hint))
}

/// Whether a part may stand in an expression; its own parts are asked for by the walk.
///
/// # Errors
/// Why not, and what to do.
pub(super) fn admit(expr: &mut Expr) -> Result<(), Refusal> {
    match expr {
        Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::InList { .. }
        | Expr::Between { .. }
        | Expr::AtTimeZone { .. }
        | Expr::Extract { .. }
        | Expr::Position { .. }
        | Expr::Substring { .. }
        | Expr::Trim { .. }
        | Expr::Overlay { .. }
        | Expr::Nested(_)
        | Expr::Case { .. }
        | Expr::Interval(_) => Ok(()),
        Expr::SimilarTo {
            escape_char: None, ..
        } => Ok(()),
        Expr::Like { any: false, .. } | Expr::ILike { any: false, .. } => Ok(()),
        Expr::Cast {
            data_type,
            array: false,
            format: None,
            ..
        } => admit_type(data_type),
        Expr::TypedString(typed) => admit_type(&typed.data_type),
        Expr::Ceil {
            field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            ..
        }
        | Expr::Floor {
            field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            ..
        } => Ok(()),
        Expr::BinaryOp { op, .. } => admit_operator(op),
        Expr::UnaryOp {
            op: UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not,
            ..
        } => Ok(()),
        Expr::Value(value) => admit_value(&value.value),
        Expr::Function(function) => admit_function(function),
        other => refuse_form(other),
    }
}

fn admit_operator(op: &BinaryOperator) -> Result<(), Refusal> {
    use BinaryOperator as Op;
    match op {
        Op::Plus
        | Op::Minus
        | Op::Multiply
        | Op::Divide
        | Op::Modulo
        | Op::StringConcat
        | Op::Gt
        | Op::Lt
        | Op::GtEq
        | Op::LtEq
        | Op::Eq
        | Op::NotEq
        | Op::And
        | Op::Or
        | Op::BitwiseOr
        | Op::BitwiseAnd
        | Op::PGBitwiseXor
        | Op::BitwiseXor
        | Op::PGBitwiseShiftLeft
        | Op::PGBitwiseShiftRight
        | Op::PGRegexMatch
        | Op::PGRegexIMatch
        | Op::PGRegexNotMatch
        | Op::PGRegexNotIMatch
        | Op::PGLikeMatch
        | Op::PGILikeMatch
        | Op::PGNotLikeMatch
        | Op::PGNotILikeMatch => Ok(()),
        other => refuse(format!("the operator `{other}` is not allowed"), ""),
    }
}

fn admit_type(data_type: &DataType) -> Result<(), Refusal> {
    match data_type {
        DataType::Array(_)
        | DataType::Map(..)
        | DataType::Struct(..)
        | DataType::Tuple(_)
        | DataType::Nested(_)
        | DataType::Union(_)
        | DataType::Nullable(_)
        | DataType::LowCardinality(_)
        | DataType::Table(_)
        | DataType::NamedTable { .. }
        | DataType::Enum(..)
        | DataType::Set(_)
        | DataType::Custom(..) => refuse(
            format!("the type {data_type} is not allowed"),
            "use VARCHAR, BIGINT, DOUBLE, DECIMAL(p, s), BOOLEAN, DATE, TIME or TIMESTAMP",
        ),
        _ => Ok(()),
    }
}

fn admit_value(value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Number(digits, _)
            if digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
                && digits.len() > MAX_DIGITS =>
        {
            refuse(format!("an integer may have {MAX_DIGITS} digits"), "")
        }
        Value::Number(..)
        | Value::SingleQuotedString(_)
        | Value::EscapedStringLiteral(_)
        | Value::DollarQuotedString(_)
        | Value::Boolean(_)
        | Value::Null => Ok(()),
        Value::Placeholder(_) => refuse("placeholders are not allowed", "write the value itself"),
        _ => refuse(
            "this kind of literal is not allowed",
            "write text as 'text'",
        ),
    }
}

fn admit_function(function: &mut Function) -> Result<(), Refusal> {
    let name = match function.name.0.as_mut_slice() {
        [ObjectNamePart::Identifier(name)] => {
            if name.quote_style.is_none() {
                name.value.make_ascii_lowercase();
            }
            name.clone()
        }
        _ => return refuse(format!("there is no function `{}`", function.name), ""),
    };
    if function.over.is_some() {
        return refuse(
            "window functions are not allowed",
            "an expression sees one row at a time",
        );
    }
    match Functions::get().look_up(&name.value) {
        Lookup::Allowed => {}
        Lookup::Refused { because, hint } => {
            return Err((
                format!("`{}` {because}", name.value),
                hint.map(str::to_owned),
            ));
        }
        Lookup::Unknown(nearest) => {
            let hint = nearest.map_or(String::new(), |nearest| {
                format!("did you mean `{nearest}`?")
            });
            return refuse(format!("there is no function `{}`", name.value), &hint);
        }
    }
    let FunctionArguments::List(list) = &function.args else {
        return refuse(
            "subqueries are not allowed",
            "an expression sees the columns of one row only",
        );
    };
    let plain = function.filter.is_none()
        && function.null_treatment.is_none()
        && function.within_group.is_empty()
        && function.parameters == FunctionArguments::None
        && list.duplicate_treatment.is_none()
        && list.clauses.is_empty();
    if !plain {
        return refuse(
            format!("`{}` takes arguments only, no clauses", name.value),
            "",
        );
    }
    for argument in &list.args {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(_)) => {}
            FunctionArg::Unnamed(_) => return refuse("`*` is not allowed", "name the columns"),
            _ => {
                return refuse(
                    "named arguments are not allowed",
                    "give the arguments by position",
                );
            }
        }
    }
    if matches!(name.value.as_str(), "lpad" | "rpad") && !bounded_padding(&list.args) {
        let message = format!(
            "`{}` needs a written length of at most {MAX_PADDING}",
            name.value
        );
        return refuse(message, "a length taken from the data has no bound");
    }
    Ok(())
}

fn bounded_padding(arguments: &[FunctionArg]) -> bool {
    match arguments.get(1) {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(length)))) => {
            match &length.value {
                Value::Number(digits, _) => digits
                    .parse()
                    .is_ok_and(|length: u64| length <= MAX_PADDING),
                _ => false,
            }
        }
        _ => false,
    }
}

fn refuse_form(expr: &Expr) -> Result<(), Refusal> {
    match expr {
        Expr::Subquery(_)
        | Expr::Exists { .. }
        | Expr::InSubquery { .. }
        | Expr::InUnnest { .. } => refuse(
            "subqueries are not allowed",
            "an expression sees the columns of one row only",
        ),
        Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => {
            refuse("`*` is not allowed", "name the columns")
        }
        Expr::Lambda(_) => refuse("lambdas are not allowed", ""),
        Expr::AnyOp { .. } | Expr::AllOp { .. } | Expr::Like { .. } | Expr::ILike { .. } => refuse(
            "ANY and ALL are not allowed",
            "use `IN (…)`, or conditions joined with OR",
        ),
        Expr::RLike { .. } => refuse(
            "RLIKE and REGEXP are not allowed",
            "write `column ~ 'pattern'`",
        ),
        Expr::JsonAccess { .. } | Expr::Named { .. } | Expr::Prefixed { .. } => refuse(
            "this way of naming a value is not allowed",
            "write `address.city`",
        ),
        Expr::Array(_)
        | Expr::Tuple(_)
        | Expr::Struct { .. }
        | Expr::Map(_)
        | Expr::Dictionary(_) => refuse(
            "lists, rows and maps are not allowed",
            "compare with `IN (…)`, or value by value",
        ),
        Expr::Ceil { .. } | Expr::Floor { .. } => refuse(
            "CEIL and FLOOR take one number",
            "use `date_trunc` for dates",
        ),
        Expr::Cast { .. } => refuse(
            "this form of CAST is not allowed",
            "write `CAST(column AS type)`",
        ),
        _ => refuse("this form of SQL is not allowed here", ""),
    }
}
