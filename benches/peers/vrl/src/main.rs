//! Reads protocol messages from stdin, runs a VRL program over each, writes what is left to stdout.

use std::error::Error;
use std::io::{BufRead, BufReader, BufWriter, Write, stdin, stdout};

use vrl::compiler::runtime::{Runtime, Terminate};
use vrl::compiler::{TargetValue, TimeZone, compile};
use vrl::value::{Secrets, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let compiled = compile(include_str!("job.vrl"), &[]).map_err(|found| format!("{found:?}"))?;
    let mut runtime = Runtime::default();
    let mut input = BufReader::with_capacity(256 * 1024, stdin().lock());
    let mut output = BufWriter::with_capacity(256 * 1024, stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let mut target = TargetValue {
            value: serde_json::from_slice::<Value>(&line)?,
            metadata: Value::Object(Default::default()),
            secrets: Secrets::default(),
        };
        match runtime.resolve(&mut target, &compiled.program, &TimeZone::default()) {
            Ok(_) => {
                serde_json::to_writer(&mut output, &target.value)?;
                output.write_all(b"\n")?;
            }
            Err(Terminate::Abort(_)) => {}
            Err(Terminate::Error(error)) => return Err(error.into()),
            Err(other) => return Err(format!("{other:?}").into()),
        }
        line.clear();
    }
    output.flush()?;
    Ok(())
}
