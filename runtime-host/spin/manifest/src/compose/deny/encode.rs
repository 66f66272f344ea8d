//! Encodes the core module of a denier.
//!
//! Arguments are never read, so `cabi_realloc` hands out the same address every time and memory grows only to the
//! largest argument ever passed.

use std::iter::repeat_n;

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, FunctionSection,
    ImportSection, InstructionSink, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_parser::abi::{WasmSignature, WasmType};

const PAGE_BYTES: usize = 65_536;

/// How one function answers.
pub(super) enum Answer {
    /// Nothing to return.
    Nothing,
    /// The address of the constant in memory.
    At(usize),
    /// The constant itself.
    Constant(WasmType, [u8; 8]),
    /// A new handle of a resource whose methods refuse in turn; the index of the `resource.new` import.
    NewHandle(u32),
    /// No caller can exist: it is a method of a resource that the denier never hands out.
    Unreachable,
}

/// One function of the module, ready to be encoded once the number of imports is known.
pub(super) struct Refuser {
    pub(super) export: String,
    pub(super) signature: WasmSignature,
    /// Index of the argument, index of the `resource.drop` import, and the argument that says whether there is one.
    pub(super) drops: Vec<(u32, u32, Option<u32>)>,
    pub(super) answer: Answer,
}

/// A built-in function of the component model: it takes one `i32`.
#[derive(PartialEq)]
pub(super) struct IntrinsicImport {
    pub(super) module: String,
    pub(super) name: String,
    /// Whether it returns an `i32` too.
    pub(super) returns: bool,
}

/// The module with `functions`, and `data` at address 0.
pub(super) fn encode(
    intrinsics: &[IntrinsicImport],
    functions: &[Refuser],
    data: Vec<u8>,
    memory: &str,
    realloc: &str,
) -> Vec<u8> {
    let arguments_at = data.len().next_multiple_of(PAGE_BYTES);
    let (mut types, mut imports, mut declared) = (TypeSection::new(), ImportSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());

    for IntrinsicImport { module, name, returns } in intrinsics {
        imports.import(module, name, EntityType::Function(types.len()));
        types
            .ty()
            .function([ValType::I32], repeat_n(ValType::I32, usize::from(*returns)));
    }
    for (index, function) in (imports.len()..).zip(functions) {
        declared.function(types.len());
        types
            .ty()
            .function(flat(&function.signature.params), flat(&function.signature.results));
        exports.export(&function.export, ExportKind::Func, index);
        code.function(&function.encode());
    }
    exports.export(realloc, ExportKind::Func, imports.len() + declared.len());
    declared.function(types.len());
    types.ty().function([ValType::I32; 4], [ValType::I32]);
    code.function(&reallocate(arguments_at));

    let mut memories = MemorySection::new();
    let pages = (arguments_at / PAGE_BYTES) as u64;
    memories.memory(MemoryType {
        minimum: pages,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    exports.export(memory, ExportKind::Memory, 0);
    let mut segments = DataSection::new();
    segments.active(0, &ConstExpr::i32_const(0), data);

    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&declared)
        .section(&memories)
        .section(&exports);
    module.section(&code).section(&segments);
    module.finish()
}

impl Refuser {
    fn encode(&self) -> wasm_encoder::Function {
        let mut function = wasm_encoder::Function::new([]);
        let mut code = function.instructions();
        for (argument, drop, present) in &self.drops {
            match present {
                None => _ = code.local_get(*argument).call(*drop),
                Some(present) => {
                    code.local_get(*present)
                        .if_(BlockType::Empty)
                        .local_get(*argument)
                        .call(*drop)
                        .end();
                }
            }
        }
        match &self.answer {
            Answer::Nothing => {}
            Answer::At(address) => _ = code.i32_const(*address as i32),
            Answer::Constant(ty, bytes) => constant(&mut code, *ty, *bytes),
            Answer::NewHandle(new) => _ = code.i32_const(0).call(*new),
            Answer::Unreachable => _ = code.unreachable(),
        }
        code.end();
        function
    }
}

fn constant(code: &mut InstructionSink<'_>, ty: WasmType, bytes: [u8; 8]) {
    let wide = i64::from_le_bytes(bytes);
    match value_type(ty) {
        ValType::I64 => _ = code.i64_const(wide),
        ValType::F32 => _ = code.f32_const(f32::from_bits(wide as u32).into()),
        ValType::F64 => _ = code.f64_const(f64::from_bits(wide as u64).into()),
        _ => _ = code.i32_const(wide as i32),
    }
}

/// `cabi_realloc`: makes sure that the requested bytes exist behind the data, and answers where the data ends.
fn reallocate(arguments_at: usize) -> wasm_encoder::Function {
    const WANTED_BYTES: u32 = 3;
    const MISSING_PAGES: u32 = 4;
    let mut function = wasm_encoder::Function::new([(1, ValType::I64)]);
    let mut code = function.instructions();
    code.local_get(WANTED_BYTES).i64_extend_i32_u();
    code.i64_const((arguments_at + PAGE_BYTES - 1) as i64)
        .i64_add()
        .i64_const(16)
        .i64_shr_u();
    code.memory_size(0)
        .i64_extend_i32_u()
        .i64_sub()
        .local_tee(MISSING_PAGES);
    code.i64_const(0).i64_gt_s().if_(BlockType::Empty);
    // Out of memory is the one trap a caller can cause, and only by an argument that it could hold itself.
    code.local_get(MISSING_PAGES)
        .i32_wrap_i64()
        .memory_grow(0)
        .i32_const(-1)
        .i32_eq();
    code.if_(BlockType::Empty).unreachable().end();
    code.end().i32_const(arguments_at as i32).end();
    function
}

fn flat(types: &[WasmType]) -> Vec<ValType> {
    types.iter().map(|ty| value_type(*ty)).collect()
}

fn value_type(ty: WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}
