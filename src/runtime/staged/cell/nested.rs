//! Values that have parts: lists, maps, objects, and the struct that stands for a union.

use arrow::array::cast::AsArray;
use arrow::array::{
    AnyDictionaryArray, Array, ArrayRef, FixedSizeListArray, GenericListArray,
    GenericListViewArray, OffsetSizeTrait, StructArray,
};
use arrow::datatypes::{DataType, Field, Fields};

use super::super::value::{self, Out};
use super::super::{columns, envelope};
use super::{Cell, cell};
use crate::schema::LogicalType;

pub fn list(array: &ArrayRef, ty: Option<&LogicalType>) -> Option<Cell> {
    macro_rules! lists {
        ($list:expr, $item:expr, $bounds:expr) => {{
            let list = $list.clone();
            let write = cell(list.values(), $item, value::item(ty))?;
            let bounds = $bounds;
            Some(Box::new(move |row, out| {
                let (from, to) = bounds(&list, row);
                out.raw(b"[");
                for at in from..to {
                    if at > from {
                        out.raw(b",");
                    }
                    write(at, out);
                }
                out.raw(b"]");
            }))
        }};
    }
    fn offsets<O: OffsetSizeTrait>(list: &GenericListArray<O>, row: usize) -> (usize, usize) {
        let offsets = list.value_offsets();
        (offsets[row].as_usize(), offsets[row + 1].as_usize())
    }
    fn view<O: OffsetSizeTrait>(list: &GenericListViewArray<O>, row: usize) -> (usize, usize) {
        let from = list.value_offset(row).as_usize();
        (from, from + list.value_size(row).as_usize())
    }
    fn fixed(list: &FixedSizeListArray, row: usize) -> (usize, usize) {
        let from = list.value_offset(row) as usize;
        (from, from + list.value_length() as usize)
    }
    match array.data_type() {
        DataType::List(item) => lists!(array.as_list::<i32>(), item, offsets),
        DataType::LargeList(item) => lists!(array.as_list::<i64>(), item, offsets),
        DataType::ListView(item) => lists!(array.as_list_view::<i32>(), item, view),
        DataType::LargeListView(item) => lists!(array.as_list_view::<i64>(), item, view),
        DataType::FixedSizeList(item, _) => lists!(array.as_fixed_size_list(), item, fixed),
        _ => None,
    }
}

pub fn dictionary(
    array: &dyn AnyDictionaryArray,
    field: &Field,
    ty: Option<&LogicalType>,
) -> Option<Cell> {
    let keys = array.normalized_keys();
    let inner = Field::new(field.name(), array.values().data_type().clone(), true)
        .with_metadata(field.metadata().clone());
    let write = cell(array.values(), &inner, ty)?;
    Some(Box::new(move |row, out| write(keys[row], out)))
}

pub fn map(array: &ArrayRef, ty: Option<&LogicalType>) -> Option<Cell> {
    let members = members(array, ty)?;
    Some(Box::new(move |row, out| {
        out.raw(b"{");
        members(row, out);
        out.raw(b"}");
    }))
}

/// Writes the entries of a map without the braces around them.
fn members(array: &ArrayRef, ty: Option<&LogicalType>) -> Option<Cell> {
    let map = array.as_map_opt()?.clone();
    let fields = map.entries().fields();
    let (keys, values) = (map.keys(), map.values());
    let write_key = cell(keys, fields.first()?, None)?;
    let declared = match ty {
        Some(LogicalType::Object(_)) => None,
        _ => value::item(ty),
    };
    let write = cell(values, fields.get(1)?, declared)?;
    let quoted = keys.data_type().is_string();
    Some(Box::new(move |row, out| {
        let offsets = map.value_offsets();
        let (from, to) = (offsets[row] as usize, offsets[row + 1] as usize);
        for at in from..to {
            if at > from {
                out.raw(b",");
            }
            let begin = out.json.len();
            write_key(at, out);
            // A key is text in JSON.
            if !quoted && out.json.get(begin) != Some(&b'"') {
                let text = String::from_utf8_lossy(&out.json[begin..]).into_owned();
                out.json.truncate(begin);
                out.text(&text);
            }
            out.raw(b":");
            write(at, out);
        }
    }))
}

pub fn object(array: &StructArray, fields: &Fields, ty: Option<&LogicalType>) -> Option<Cell> {
    let as_object = members_of(array, fields, ty)?;
    if !columns::is_union(fields, ty) {
        return Some(as_object);
    }
    let types = array.column(0).clone();
    let write_type = cell(&types, &fields[0], None)?;
    let mut options = Vec::new();
    for (field, column) in fields.iter().zip(array.columns()).skip(1) {
        let option = columns::option(ty, field.name());
        let name = format!("\"{}\"", field.name());
        options.push((name, column.clone(), cell(column, field, option)?));
    }
    let declared = ty.is_some();
    Some(Box::new(move |row, out| {
        let mut given = options.iter().filter(|(_, column, _)| column.is_valid(row));
        match (given.next(), given.next()) {
            (Some((name, _, write)), None) => {
                let begin = out.json.len();
                write_type(row, out);
                let named = &out.json[begin..] == name.as_bytes();
                out.json.truncate(begin);
                if named {
                    write(row, out)
                } else {
                    as_object(row, out)
                }
            }
            (None, _) if declared => out.null(),
            _ => as_object(row, out),
        }
    }))
}

/// Writes a struct as an object.
fn members_of(array: &StructArray, fields: &Fields, ty: Option<&LogicalType>) -> Option<Cell> {
    let mut columns = Vec::new();
    for (field, column) in fields.iter().zip(array.columns()) {
        columns.push(Member::new(column, field, value::member(ty, field.name()))?);
    }
    Some(Box::new(move |row, out| {
        out.raw(b"{");
        let mut first = true;
        for column in &columns {
            column.write(row, out, &mut first);
        }
        out.raw(b"}");
    }))
}

/// A column as a member of an object.
pub struct Member {
    /// `"name":`; empty where the members of a map stand for themselves.
    key: Vec<u8>,
    write: Cell,
    map: Option<ArrayRef>,
}

impl Member {
    /// `None` when the type is not known.
    pub fn new(column: &ArrayRef, field: &Field, ty: Option<&LogicalType>) -> Option<Self> {
        if field.name() == envelope::FURTHER && column.as_map_opt().is_some() {
            return Some(Self {
                key: Vec::new(),
                write: members(column, None)?,
                map: Some(ArrayRef::clone(column)),
            });
        }
        let mut key = Vec::new();
        value::string(&mut key, field.name());
        key.push(b':');
        Some(Self {
            key,
            write: cell(column, field, ty)?,
            map: None,
        })
    }

    /// Writes the member, behind a comma unless it is the first.
    pub fn write(&self, row: usize, out: &mut Out<'_>, first: &mut bool) {
        if let Some(map) = &self.map
            && (map.is_null(row) || map.as_map().value_length(row) == 0)
        {
            return;
        }
        if !std::mem::take(first) {
            out.raw(b",");
        }
        out.raw(&self.key);
        (self.write)(row, out);
    }
}
