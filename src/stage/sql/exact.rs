//! What makes integers exact where DataFusion and Arrow would wrap, truncate or round.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, Result};
use datafusion_expr::expr::{BinaryExpr, ScalarFunction};
use datafusion_expr::{Expr, ExprSchemable, Operator, ScalarUDF, cast, try_cast};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::BinaryExpr as Binary;

use super::divide::IntegerDivide;

/// The type between a wide integer and one of 64 bits. Arrow 59 casts `Decimal256` to `Int64` without looking
/// at the upper half of the number; this detour is checked.
pub(super) const BETWEEN: DataType = DataType::Decimal128(38, 0);

/// Takes casts from `Decimal256` to an integer by way of [`BETWEEN`].
pub(super) fn narrow_in_steps(typed: Expr, schema: &DFSchema) -> Result<Expr> {
    let between = |inner: &Expr, target: &DataType| match inner.get_type(schema) {
        Ok(DataType::Decimal256(_, scale)) if target.is_integer() => {
            Some(DataType::Decimal128(38, scale))
        }
        _ => None,
    };
    let stepped = typed.transform_up(|mut node| {
        match &mut node {
            Expr::Cast(outer) => {
                if let Some(step) = between(&outer.expr, outer.field.data_type()) {
                    *outer.expr = cast(std::mem::take(outer.expr.as_mut()), step);
                    return Ok(Transformed::yes(node));
                }
            }
            Expr::TryCast(outer) => {
                if let Some(step) = between(&outer.expr, outer.field.data_type()) {
                    *outer.expr = try_cast(std::mem::take(outer.expr.as_mut()), step);
                    return Ok(Transformed::yes(node));
                }
            }
            _ => {}
        }
        Ok(Transformed::no(node))
    })?;
    Ok(stepped.data)
}

/// Makes integer arithmetic fail where it would wrap around.
pub(super) fn check_overflow(root: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    let checked = root.transform_up(|node| {
        let binary = (node.as_ref() as &dyn Any).downcast_ref::<Binary>();
        let checked = binary
            .and_then(checked)
            .map(|binary| Transformed::yes(Arc::new(binary) as Arc<dyn PhysicalExpr>));
        Ok(checked.unwrap_or_else(|| Transformed::no(node)))
    })?;
    Ok(checked.data)
}

fn checked(binary: &Binary) -> Option<Binary> {
    let (left, op, right) = (binary.left(), *binary.op(), binary.right());
    matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply)
        .then(|| Binary::new(Arc::clone(left), op, Arc::clone(right)).with_fail_on_overflow(true))
}

/// Keeps `7 / 2 = 3` when the integers become decimals.
pub(super) fn truncate_divisions(logical: Expr, narrow: &DFSchema) -> Result<Expr> {
    let divide = Arc::new(ScalarUDF::from(IntegerDivide::new()));
    let integer =
        |expr: &Expr| matches!(expr.get_type(narrow), Ok(data_type) if data_type.is_integer());
    Ok(logical
        .transform_up(|node| match node {
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: Operator::Divide,
                right,
            }) if integer(&left) && integer(&right) => {
                let call = ScalarFunction::new_udf(Arc::clone(&divide), vec![*left, *right]);
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        })?
        .data)
}
