//! What one type is to another: wider, narrower, or of another family.
//!
//! Wider is what Delta and Iceberg both, or one of them, change in place without a rewrite: a whole number becomes a
//! decimal, a date a timestamp without zone, a column of nothing but null anything. Airbyte's types say nothing about
//! digits, so the widenings within one type cannot occur.

use super::shape::Column;
use crate::schema::LogicalType;

/// What the type of a column is to its type before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Same,
    /// Every earlier value is one of the new type, and can be stored as one.
    Widened,
    /// Some earlier values are none of the new type.
    Narrowed,
    /// The values are of another kind.
    Family,
}

/// How a column's type is related to its type before. What lies inside objects and arrays is compared apart.
pub fn relation(before: &Column, now: &Column) -> Relation {
    if before.void {
        return match now.void {
            true => Relation::Same,
            false => Relation::Widened,
        };
    }
    if now.void {
        return Relation::Narrowed;
    }
    of_types(&before.ty, &now.ty)
}

fn of_types(before: &LogicalType, now: &LogicalType) -> Relation {
    use LogicalType as T;
    use Relation as R;
    if before == now {
        return R::Same;
    }
    match (before, now) {
        (T::Object(_) | T::SchemalessObject, T::Object(_) | T::SchemalessObject) => R::Same,
        (T::Array(Some(_)), T::Array(Some(_))) => R::Same,
        (T::Array(Some(_)), T::Array(None)) => R::Widened,
        (T::Array(None), T::Array(Some(_))) => R::Narrowed,
        (T::Json | T::Unknown, T::Json | T::Unknown) => R::Same,
        (T::Integer, T::Number | T::BigInteger) | (T::Date, T::Timestamp) => R::Widened,
        (T::Number | T::BigInteger, T::Integer) | (T::Timestamp, T::Date) => R::Narrowed,
        (T::Union(before), T::Union(now)) => of_options(before, now),
        // What holds any JSON value is stored as JSON, as objects, arrays and unions are.
        (_, T::Json | T::Unknown) if is_json(before) => R::Widened,
        (T::Json | T::Unknown, _) if is_json(now) => R::Narrowed,
        (T::Union(options), _) if options.contains(now) && is_json(now) => R::Narrowed,
        (_, T::Union(options)) if options.contains(before) && is_json(before) => R::Widened,
        _ => R::Family,
    }
}

fn of_options(before: &[LogicalType], now: &[LogicalType]) -> Relation {
    let within = |inner: &[LogicalType], outer: &[LogicalType]| {
        inner.iter().all(|ty| {
            outer.contains(ty)
                || *ty == LogicalType::Integer && outer.contains(&LogicalType::Number)
        })
    };
    match (within(before, now), within(now, before)) {
        (true, true) => Relation::Same,
        (true, false) => Relation::Widened,
        (false, true) => Relation::Narrowed,
        (false, false) => Relation::Family,
    }
}

/// Whether destinations keep values of the type as JSON.
fn is_json(ty: &LogicalType) -> bool {
    matches!(
        ty,
        LogicalType::Array(_)
            | LogicalType::Object(_)
            | LogicalType::SchemalessObject
            | LogicalType::Json
            | LogicalType::Union(_)
            | LogicalType::Unknown
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Field;
    use LogicalType as T;
    use Relation as R;

    #[test]
    fn types_are_related_as_table_formats_widen_them() {
        let object = T::Object(vec![Field {
            name: "a".to_owned(),
            ty: T::String,
            required: false,
        }]);
        let array = |ty: T| T::Array(Some(Box::new(ty)));
        let union = |types: &[T]| T::union(types.iter().cloned());
        for (before, now, there, back) in [
            (T::Integer, T::Number, R::Widened, R::Narrowed),
            (T::Integer, T::BigInteger, R::Widened, R::Narrowed),
            (T::Date, T::Timestamp, R::Widened, R::Narrowed),
            (T::Date, T::TimestampTz, R::Family, R::Family),
            (T::Timestamp, T::TimestampTz, R::Family, R::Family),
            (T::Number, T::String, R::Family, R::Family),
            (T::Date, T::String, R::Family, R::Family),
            (T::Number, T::BigInteger, R::Family, R::Family),
            (T::String, T::Binary, R::Family, R::Family),
            (T::String, T::Json, R::Family, R::Family),
            (
                T::String,
                union(&[T::String, T::Integer]),
                R::Family,
                R::Family,
            ),
            (
                union(&[T::String, T::Integer]),
                union(&[T::String, T::Integer, T::Boolean]),
                R::Widened,
                R::Narrowed,
            ),
            (
                union(&[T::String, T::Integer]),
                union(&[T::String, T::Number]),
                R::Widened,
                R::Narrowed,
            ),
            (
                union(&[T::String, T::Integer]),
                union(&[T::String, T::Boolean]),
                R::Family,
                R::Family,
            ),
            (object.clone(), T::Json, R::Widened, R::Narrowed),
            (array(T::Integer), T::Array(None), R::Widened, R::Narrowed),
            (array(T::Integer), array(T::String), R::Same, R::Same),
            (object, T::SchemalessObject, R::Same, R::Same),
            (T::Json, T::Unknown, R::Same, R::Same),
            (T::SchemalessObject, T::Array(None), R::Family, R::Family),
        ] {
            assert_eq!(of_types(&before, &now), there, "{before} to {now}");
            assert_eq!(of_types(&now, &before), back, "{now} to {before}");
        }
    }
}
