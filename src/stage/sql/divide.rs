//! Integer division beyond 64 bits: truncates towards zero, as `/` does on 64-bit integers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal256Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal256Type, i256};
use datafusion_common::{Result, exec_datafusion_err, exec_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::WIDE_INTEGER;

/// `integer_divide(a, b)`; NULL for NULL, an error for a divisor of zero.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IntegerDivide {
    signature: Signature,
}

impl IntegerDivide {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for IntegerDivide {
    fn name(&self) -> &str {
        "integer_divide"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// A 64-bit integer for 64-bit operands, so that an outer division sees the type it had.
    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(if arguments.iter().all(DataType::is_integer) {
            DataType::Int64
        } else {
            WIDE_INTEGER
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let operands = ColumnarValue::values_to_arrays(&args.args)?;
        let [dividend, divisor] = operands.as_slice() else {
            return exec_err!("a division takes two numbers");
        };
        let quotient: ArrayRef = Arc::new(divide(dividend, divisor)?);
        let quotient = cast(&quotient, args.return_field.data_type())?;
        Ok(ColumnarValue::Array(quotient))
    }
}

fn divide(dividend: &ArrayRef, divisor: &ArrayRef) -> Result<Decimal256Array> {
    let (dividend, divisor) = (
        cast(dividend, &WIDE_INTEGER)?,
        cast(divisor, &WIDE_INTEGER)?,
    );
    let (dividend, divisor) = (
        dividend.as_primitive::<Decimal256Type>(),
        divisor.as_primitive::<Decimal256Type>(),
    );
    let quotients: Decimal256Array = (0..dividend.len().max(divisor.len()))
        .map(|row| {
            let (a, b) = (value(dividend, row), value(divisor, row));
            match (a, b) {
                (Some(a), Some(b)) => a
                    .checked_div(b)
                    .map(Some)
                    .ok_or_else(|| exec_datafusion_err!("division by zero")),
                _ => Ok(None),
            }
        })
        .collect::<Result<_>>()?;
    Ok(quotients.with_data_type(WIDE_INTEGER))
}

/// The value of a row; a constant has one row for all.
fn value(numbers: &Decimal256Array, row: usize) -> Option<i256> {
    let row = if numbers.len() == 1 { 0 } else { row };
    (row < numbers.len() && numbers.is_valid(row)).then(|| numbers.value(row))
}
