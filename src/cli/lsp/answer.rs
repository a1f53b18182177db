//! Answers to what a client asks about a place.

use std::collections::HashMap;

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CompletionItem, CompletionItemKind, CompletionTextEdit, Hover,
    HoverContents, Location, MarkupContent, MarkupKind, Position, Range, TextEdit, Uri, WorkspaceEdit,
};

use crate::cli::lsp::folder::Folder;
use crate::cli::lsp::{position, publish};
use crate::diagnostic::{Edit, FixSafety};
use crate::editor;
use crate::text::RepoPath;

/// A place that the client asks about.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) path: RepoPath,
    pub(super) position: Position,
}

impl Asked {
    fn byte(&self, folder: &Folder) -> Option<usize> {
        Some(position::byte(folder.file(&self.path)?.text(), self.position))
    }
}

/// Returns what there is to know about a place.
pub(super) fn hover(folder: &Folder, asked: &Asked) -> Option<Hover> {
    let hover = editor::hover(folder.session(), &asked.path, asked.byte(folder)?)?;
    let file = folder.file(&asked.path)?;
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value: hover.markdown });
    Some(Hover { contents, range: hover.span.map(|span| position::range(file, span)) })
}

/// Returns the places that a place refers to.
pub(super) fn definitions(folder: &Folder, asked: &Asked) -> Vec<Location> {
    let Some(byte) = asked.byte(folder) else { return Vec::new() };
    let sources = folder.session().repo().sources();
    let location = |span: &crate::text::Span| {
        let file = sources.get(span.source)?;
        Some(position::location(file, *span, folder.uri(file.path())?))
    };
    editor::definitions(folder.session(), &asked.path, byte).iter().filter_map(location).collect()
}

/// Returns what may stand at a place.
pub(super) fn completion(folder: &Folder, asked: &Asked) -> Vec<CompletionItem> {
    let found = asked.byte(folder).and_then(|byte| editor::completion(folder.session(), &asked.path, byte));
    let (Some(completion), Some(file)) = (found, folder.file(&asked.path)) else { return Vec::new() };
    let range = position::range(file, completion.span);
    let item = |candidate: editor::Candidate| CompletionItem {
        label: candidate.text.clone(),
        kind: Some(match candidate.detail.as_str() {
            "file" => CompletionItemKind::FILE,
            "directory" => CompletionItemKind::FOLDER,
            _ => CompletionItemKind::REFERENCE,
        }),
        detail: Some(candidate.detail),
        filter_text: Some(candidate.text.clone()),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: candidate.text })),
        ..CompletionItem::default()
    };
    completion.candidates.into_iter().map(item).collect()
}

/// Returns the remedies of what is wrong in a range of the file `path`.
pub(super) fn actions(folder: &Folder, path: &RepoPath, range: Range) -> Vec<CodeActionOrCommand> {
    let Some(file) = folder.file(path) else { return Vec::new() };
    let Some(source) = folder.session().repo().files().id(path) else { return Vec::new() };
    let (start, end) = (position::byte(file.text(), range.start), position::byte(file.text(), range.end));
    let mut actions: Vec<CodeActionOrCommand> = Vec::new();
    for (finding, clusters) in publish::grouped(folder) {
        let touches =
            |span: crate::text::Span| span.source == source && span.range().start <= end && start <= span.range().end;
        let Some(fix) = finding.fix.as_ref().filter(|_| finding.labels.iter().any(|label| touches(label.span))) else {
            continue;
        };
        let Some(edit) = workspace_edit(folder, &fix.edits) else { continue };
        let action = CodeAction {
            title: fix.title.clone(),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: publish::diagnostic(folder, finding, &clusters).map(|(_, shown)| vec![shown]),
            edit: Some(edit),
            is_preferred: Some(fix.safety == FixSafety::Safe),
            ..CodeAction::default()
        };
        let action = CodeActionOrCommand::CodeAction(action);
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    actions
}

#[expect(clippy::mutable_key_type, reason = "the protocol's own type; nothing changes a key")]
fn workspace_edit(folder: &Folder, edits: &[Edit]) -> Option<WorkspaceEdit> {
    let sources = folder.session().repo().sources();
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for edit in edits {
        let file = sources.get(edit.span.source)?;
        let text_edit = TextEdit { range: position::range(file, edit.span), new_text: edit.replacement.clone() };
        changes.entry(folder.uri(file.path())?).or_default().push(text_edit);
    }
    Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() })
}
