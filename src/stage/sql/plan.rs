//! From a checked expression to a program: typed, simplified, with constants folded and patterns compiled.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion_common::{DFSchema, DataFusionError, Result};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion_expr::simplify::SimplifyContext;
use datafusion_expr::{Expr, ExprSchemable, cast};
use datafusion_optimizer::simplify_expressions::ExprSimplifier;
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion_sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion_sql::sqlparser::ast::{
    self, CastKind, ExactNumberInfo, Expr as Sql, Ident, Spanned, Value, VisitMut, Visitor,
    VisitorMut,
};

use super::exact::{check_overflow, narrow_in_steps, truncate_divisions};
use super::functions::Functions;
use super::parse::lower_first;
use super::{SqlProblem, WIDE_INTEGER, pattern};
use crate::schema::path::{Path, Segment};

/// What evaluates a batch of one schema.
#[derive(Debug)]
pub(super) struct Program {
    pub schema: Arc<Schema>,
    pub root: Arc<dyn PhysicalExpr>,
    pub data_type: DataType,
}

/// A planned expression: its program, and what the program for wide integers is made of.
#[derive(Debug)]
pub(super) struct Planned {
    pub program: Program,
    logical: Expr,
}

/// Plans `sql` over columns of these types.
///
/// # Errors
/// Operands whose types do not fit, with the position of the smallest part that is wrong.
pub(super) fn plan(sql: &Sql, columns: &[(Path, DataType)]) -> Result<Planned, SqlProblem> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(path, data_type)| Field::new(path.to_string(), data_type.clone(), true))
        .collect();
    let planner = Planner::new(fields).map_err(|error| SqlProblem::start(sentence(&error)))?;
    let mut flat = sql.clone();
    let _ = flat.visit(&mut Flatten);
    let planned = planner.logical(&flat).and_then(|logical| {
        let program = planner.program(logical.clone(), &evaluation_type)?;
        planner.probe(&program)?;
        Ok(Planned { program, logical })
    });
    planned.map_err(|error| planner.blame(&flat, error))
}

impl Planned {
    /// The same expression for batches in which an integer column is wider than 64 bits; `None` when a part
    /// of it works on 64-bit integers only.
    pub(super) fn widen(&self) -> Option<Program> {
        let narrow = DFSchema::try_from(self.program.schema.as_ref().clone()).ok()?;
        let fields = self
            .program
            .schema
            .fields()
            .iter()
            .map(|field| match field.data_type() {
                DataType::Int64 => field.as_ref().clone().with_data_type(WIDE_INTEGER),
                _ => field.as_ref().clone(),
            });
        let planner = Planner::new(fields.collect()).ok()?;
        let logical = truncate_divisions(self.logical.clone(), &narrow).ok()?;
        let target = |natural: &DataType| match (&self.program.data_type, natural) {
            (DataType::Int64, DataType::Decimal128(_, 0) | DataType::Decimal256(_, 0)) => {
                Some(WIDE_INTEGER)
            }
            (narrow, _) => Some(narrow.clone()),
        };
        let program = planner.program(logical, &target).ok()?;
        planner.probe(&program).ok()?;
        Some(program)
    }
}

/// The type a result is brought to: one of the types columns have, or a decimal with its scale.
fn evaluation_type(natural: &DataType) -> Option<DataType> {
    Some(match natural {
        DataType::Null | DataType::Boolean => DataType::Boolean,
        DataType::Date32 => DataType::Date32,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => WIDE_INTEGER,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8View,
        DataType::Date64 => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(_)) => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
        }
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => DataType::Decimal256(76, (*scale).max(0)),
        _ => return None,
    })
}

struct Planner {
    schema: Arc<DFSchema>,
    options: ParserOptions,
}

impl Planner {
    fn new(fields: Vec<Field>) -> Result<Self> {
        let schema =
            DFSchema::from_unqualified_fields(fields.into(), std::collections::HashMap::new())?;
        Ok(Self {
            schema: Arc::new(schema),
            options: ParserOptions::new().with_enable_ident_normalization(false),
        })
    }

    fn logical(&self, sql: &Sql) -> Result<Expr> {
        SqlToRel::new_with_options(Functions::get(), self.options).sql_to_expr(
            sql.clone(),
            &self.schema,
            &mut PlannerContext::new(),
        )
    }

    fn program(
        &self,
        logical: Expr,
        target: &dyn Fn(&DataType) -> Option<DataType>,
    ) -> Result<Program> {
        let (typed, simplifier) = self.typed(logical)?;
        let natural = typed.get_type(self.schema.as_ref())?;
        let Some(data_type) = target(&natural) else {
            return Err(DataFusionError::Plan(format!(
                "the expression gives {natural}, which no column can hold"
            )));
        };
        let typed = if natural == data_type {
            typed
        } else {
            cast(typed, data_type.clone())
        };
        let simple = simplifier.simplify(narrow_in_steps(typed, &self.schema)?)?;
        let compiled = pattern::compile(simple, &self.schema)?;
        let root = create_physical_expr(
            &compiled,
            &self.schema,
            &ExecutionProps::new(),
            &PhysicalPlanningContext::default(),
        )?;
        let root = check_overflow(root)?;
        let schema = Arc::clone(self.schema.inner());
        Ok(Program {
            schema,
            root,
            data_type,
        })
    }

    /// Evaluates one row of NULLs, which finds what fails whatever the data: a function that does not take
    /// these types, a constant that cannot be cast, a part of a date that does not exist.
    fn probe(&self, program: &Program) -> Result<()> {
        let columns = program
            .schema
            .fields()
            .iter()
            .map(|field| new_null_array(field.data_type(), 1))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let batch =
            RecordBatch::try_new_with_options(Arc::clone(&program.schema), columns, &options)?;
        program.root.evaluate(&batch)?.into_array(1).map(drop)
    }

    fn attempt(&self, sql: &Sql) -> Result<DataType> {
        let program = self.program(self.logical(sql)?, &|natural| Some(natural.clone()))?;
        self.probe(&program)?;
        Ok(program.data_type)
    }

    /// The problem of the smallest part of `sql` that cannot be planned alone.
    fn blame(&self, sql: &Sql, error: DataFusionError) -> SqlProblem {
        let mut children = Children::default();
        let _ = ast::Visit::visit(sql, &mut children);
        let mut types = Vec::new();
        for child in &children.found {
            match self.attempt(child) {
                Ok(data_type) => types.push(data_type),
                Err(error) => return self.blame(child, error),
            }
        }
        let at = sql.span().start;
        match (sql, types.as_slice()) {
            (Sql::BinaryOp { op, .. }, [left, right]) if left != right && !self.fits(sql) => {
                SqlProblem::at(
                    at,
                    format!("`{op}` cannot be applied to {left} and {right}"),
                )
                .hint("bring both sides to one type with CAST")
            }
            _ => SqlProblem::at(at, sentence(&error)),
        }
    }

    /// Whether the operands of `sql` can be brought to types that its operator takes.
    fn fits(&self, sql: &Sql) -> bool {
        self.logical(sql)
            .and_then(|logical| self.typed(logical))
            .is_ok()
    }

    fn typed(&self, logical: Expr) -> Result<(Expr, ExprSimplifier)> {
        let context = SimplifyContext::builder().with_schema(Arc::clone(&self.schema));
        let simplifier = ExprSimplifier::new(context.build());
        Ok((simplifier.coerce(logical, &self.schema)?, simplifier))
    }
}

/// The one line of what DataFusion says that is a sentence. At compile time it can only quote the
/// expression itself.
fn sentence(error: &DataFusionError) -> String {
    let message = error.find_root().message();
    if message.starts_with("regex parse error") {
        // The lines before the last one draw the pattern.
        let line = message.lines().last().unwrap_or_default();
        let why = line.trim_start_matches("error: ");
        return format!("the pattern is no regular expression: {why}");
    }
    let line = message.lines().next().unwrap_or_default();
    let line = line.split(" You might need").next().unwrap_or(line);
    lower_first(line.trim().trim_end_matches('.'))
}

/// The direct parts of an expression.
#[derive(Default)]
struct Children {
    depth: usize,
    found: Vec<Sql>,
}

impl Visitor for Children {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Sql) -> ControlFlow<()> {
        if self.depth == 1 {
            self.found.push(expr.clone());
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _expr: &Sql) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

/// Turns paths into the names of the planner's flat columns, and integers beyond 64 bits into decimals,
/// which DataFusion would read as the nearest float.
struct Flatten;

impl VisitorMut for Flatten {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Sql) -> ControlFlow<()> {
        match expr {
            Sql::CompoundIdentifier(names) => {
                let span = names.first().map(|name| name.span);
                let keys = names
                    .iter()
                    .map(|name| Segment::Key(name.value.clone()))
                    .collect();
                if let (Some(path), Some(span)) = (Path::new(keys), span) {
                    *expr =
                        Sql::Identifier(Ident::with_quote_and_span('"', span, path.to_string()));
                }
            }
            Sql::Value(value) => {
                if let Some(digits) = wide_digits(&value.value) {
                    let size = ExactNumberInfo::PrecisionAndScale(digits.len() as u64, 0);
                    value.value = Value::SingleQuotedString(digits);
                    *expr = Sql::Cast {
                        kind: CastKind::Cast,
                        expr: Box::new(Sql::Value(value.clone())),
                        data_type: ast::DataType::Decimal(size),
                        array: false,
                        format: None,
                    };
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The digits of an integer that DataFusion would not read exactly, or not with a sign before it.
fn wide_digits(value: &Value) -> Option<String> {
    let Value::Number(digits, _) = value else {
        return None;
    };
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    let integer = digits.bytes().all(|b| b.is_ascii_digit());
    // With a minus before it this is the smallest 64-bit integer, which is read as one.
    let exact = digits.parse::<i64>().is_ok() || digits == "9223372036854775808";
    (integer && !exact).then_some(digits)
}
