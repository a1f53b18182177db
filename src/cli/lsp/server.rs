//! The state of a conversation with a client, and what is answered to each message.

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsp_server::{ErrorCode, ExtractError, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{self, Notification as _};
use lsp_types::request::{self, Request as _};
use lsp_types::{
    DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern, InitializeParams, InitializeResult,
    MessageType, Registration, RegistrationParams, ServerInfo, ShowMessageParams, TextDocumentPositionParams, Uri,
};
use serde::de::DeserializeOwned;

use crate::cli::lsp::answer::{self, Asked};
use crate::cli::lsp::capabilities::{can_watch, capabilities, root};
use crate::cli::lsp::folder::Folder;
use crate::cli::lsp::{position, publish};
use crate::session::Settings;
use crate::text::RepoPath;

/// Whether the conversation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Continue,
    Exit,
}

/// How far the conversation has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Before `initialize`.
    New,
    /// After it.
    Running,
    /// After `shutdown`.
    ShutDown,
}

/// Takes paths that may differ on disk.
type Watch = Arc<dyn Fn(Vec<PathBuf>) + Send + Sync>;

/// The server's side of a conversation.
pub(super) struct Server {
    settings: Settings,
    exclude: Vec<String>,
    watch: Watch,
    phase: Phase,
    /// Whether the client tells of changed files when it is asked to.
    client_watches: bool,
    /// Folders that are still to be read.
    announced: Vec<PathBuf>,
    folders: Vec<Folder>,
    /// What is to be said at the next occasion.
    outgoing: Vec<Message>,
}

impl Server {
    /// Returns a server that nobody has spoken to yet.
    pub(super) fn new(
        settings: Settings,
        exclude: Vec<String>,
        watch: Box<dyn Fn(Vec<PathBuf>) + Send + Sync>,
    ) -> Self {
        Self {
            settings,
            exclude,
            watch: Arc::from(watch),
            phase: Phase::New,
            client_watches: false,
            announced: Vec::new(),
            folders: Vec::new(),
            outgoing: Vec::new(),
        }
    }

    /// Returns whether the client has said that it is done.
    pub(super) fn is_shut_down(&self) -> bool {
        self.phase == Phase::ShutDown
    }

    /// Validates what changed and returns what there is to say of it.
    pub(super) fn settle(&mut self) -> Vec<Message> {
        if self.phase == Phase::Running {
            for folder in &mut self.folders {
                if folder.update() || !folder.is_published {
                    self.outgoing.extend(publish::messages(folder));
                }
            }
        }
        mem::take(&mut self.outgoing)
    }

    /// Reads again what may differ on disk.
    pub(super) fn disk_changed(&mut self, paths: &[PathBuf]) {
        for path in paths {
            for folder in &mut self.folders {
                folder.disk_changed(path);
            }
        }
    }

    /// Returns the answers to `message`.
    pub(super) fn handle(&mut self, message: Message) -> (Vec<Message>, Next) {
        match message {
            Message::Request(request) => {
                // An answer is about what was typed before the question.
                let mut messages = self.settle();
                messages.push(Message::Response(self.answer(request)));
                (messages, Next::Continue)
            }
            Message::Notification(notification) if notification.method == notification::Exit::METHOD => {
                (Vec::new(), Next::Exit)
            }
            Message::Notification(notification) => {
                if self.phase == Phase::Running {
                    self.note(notification);
                }
                (Vec::new(), Next::Continue)
            }
            // To our own requests; there is nothing to do where the client refuses.
            Message::Response(_) => (Vec::new(), Next::Continue),
        }
    }

    fn answer(&mut self, request: Request) -> Response {
        let id = request.id.clone();
        match (self.phase, request.method.as_str()) {
            (Phase::New, request::Initialize::METHOD) => match extract(request) {
                Ok(params) => {
                    self.phase = Phase::Running;
                    Response::new_ok(id, self.initialize(&params))
                }
                Err(why) => refusal(id, ErrorCode::InvalidParams, why),
            },
            (Phase::New, _) => refusal(id, ErrorCode::ServerNotInitialized, "`initialize` comes first".to_owned()),
            (Phase::ShutDown, _) => refusal(id, ErrorCode::InvalidRequest, "the server was shut down".to_owned()),
            (Phase::Running, request::Shutdown::METHOD) => {
                self.phase = Phase::ShutDown;
                Response::new_ok(id, ())
            }
            (Phase::Running, method) => match self.look_up(method, request.params) {
                Some(Ok(answer)) => Response { id, response_result: Ok(answer) },
                Some(Err(why)) => refusal(id, ErrorCode::InvalidParams, why),
                None => refusal(id, ErrorCode::MethodNotFound, format!("`{method}` is not served")),
            },
        }
    }

    /// Answers a question about a place; nothing where `method` is none that is served.
    fn look_up(&self, method: &str, params: serde_json::Value) -> Option<Result<serde_json::Value, String>> {
        let at = |place: TextDocumentPositionParams| {
            let (folder, path) = self.find(&place.text_document.uri)?;
            Some((folder, Asked { path, position: place.position }))
        };
        Some(match method {
            request::HoverRequest::METHOD => read(params).and_then(|params: lsp_types::HoverParams| {
                let found = at(params.text_document_position_params);
                to_value(found.and_then(|(folder, asked)| answer::hover(folder, &asked)))
            }),
            request::GotoDefinition::METHOD => read(params).and_then(|params: lsp_types::GotoDefinitionParams| {
                let found = at(params.text_document_position_params);
                to_value(found.map(|(folder, asked)| answer::definitions(folder, &asked)))
            }),
            request::Completion::METHOD => read(params).and_then(|params: lsp_types::CompletionParams| {
                let found = at(params.text_document_position);
                to_value(found.map(|(folder, asked)| answer::completion(folder, &asked)))
            }),
            request::CodeActionRequest::METHOD => read(params).and_then(|params: lsp_types::CodeActionParams| {
                let found = self.find(&params.text_document.uri);
                to_value(found.map(|(folder, path)| answer::actions(folder, &path, params.range)))
            }),
            _ => return None,
        })
    }

    fn note(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        // A notification has no answer: one that cannot be read is logged and passed over.
        let outcome = match method.as_str() {
            notification::Initialized::METHOD => {
                self.begin();
                Ok(())
            }
            notification::DidOpenTextDocument::METHOD => {
                read(params).map(|params: lsp_types::DidOpenTextDocumentParams| {
                    let document = params.text_document;
                    if let Some((folder, path)) = self.find_mut(&document.uri) {
                        folder.did_open(path, document.uri, document.version, document.text);
                    }
                })
            }
            notification::DidChangeTextDocument::METHOD => {
                read(params).map(|params: lsp_types::DidChangeTextDocumentParams| {
                    if let Some((folder, path)) = self.find_mut(&params.text_document.uri) {
                        folder.did_change(&path, params.text_document.version, params.content_changes);
                    }
                })
            }
            notification::DidCloseTextDocument::METHOD => {
                read(params).map(|params: lsp_types::DidCloseTextDocumentParams| {
                    if let Some((folder, path)) = self.find_mut(&params.text_document.uri) {
                        folder.did_close(&path);
                    }
                })
            }
            notification::DidSaveTextDocument::METHOD => {
                read(params).map(|params: lsp_types::DidSaveTextDocumentParams| {
                    self.disk_changed(position::path(&params.text_document.uri).as_slice());
                })
            }
            notification::DidChangeWatchedFiles::METHOD => {
                read(params).map(|params: lsp_types::DidChangeWatchedFilesParams| {
                    let paths: Vec<_> =
                        params.changes.iter().filter_map(|change| position::path(&change.uri)).collect();
                    self.disk_changed(&paths);
                })
            }
            notification::DidChangeWorkspaceFolders::METHOD => {
                read(params).map(|params: lsp_types::DidChangeWorkspaceFoldersParams| {
                    let removed = params.event.removed.iter().filter_map(|folder| position::path(&folder.uri));
                    removed.for_each(|path| self.leave(&path));
                    let added = params.event.added.iter().filter_map(|folder| position::path(&folder.uri));
                    self.announced.extend(added);
                    self.enter();
                })
            }
            _ => Ok(()),
        };
        if let Err(why) = outcome {
            self.say::<notification::LogMessage>(MessageType::WARNING, format!("`{method}` cannot be read: {why}"));
        }
    }

    fn initialize(&mut self, params: &InitializeParams) -> InitializeResult {
        self.client_watches = can_watch(&params.capabilities);
        let folders = params.workspace_folders.clone().unwrap_or_default();
        self.announced = folders.iter().filter_map(|folder| position::path(&folder.uri)).collect();
        if self.announced.is_empty() {
            self.announced.extend(root(params));
        }
        InitializeResult {
            capabilities: capabilities(),
            server_info: Some(ServerInfo {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        }
    }

    /// Reads the folders, once the client is ready to hear of them.
    fn begin(&mut self) {
        if self.client_watches {
            let every = FileSystemWatcher { glob_pattern: GlobPattern::String("**/*".to_owned()), kind: None };
            let options = DidChangeWatchedFilesRegistrationOptions { watchers: vec![every] };
            let registration = Registration {
                id: "files".to_owned(),
                method: notification::DidChangeWatchedFiles::METHOD.to_owned(),
                register_options: serde_json::to_value(options).ok(),
            };
            let params = RegistrationParams { registrations: vec![registration] };
            let id = RequestId::from("register-files".to_owned());
            let request = Request::new(id, request::RegisterCapability::METHOD.to_owned(), params);
            self.outgoing.push(Message::Request(request));
        }
        if self.announced.is_empty() {
            let text = "gitops-gen checks repositories: open a folder".to_owned();
            self.say::<notification::ShowMessage>(MessageType::INFO, text);
        }
        self.enter();
    }

    /// Reads the folders that were announced.
    fn enter(&mut self) {
        for path in mem::take(&mut self.announced) {
            if self.folders.iter().any(|folder| folder.given() == path) {
                continue;
            }
            let opened = Folder::open(path.clone(), &self.exclude, self.settings.clone());
            let opened = opened.and_then(|mut folder| {
                if !self.client_watches {
                    let watch = Arc::clone(&self.watch);
                    folder.watch(move |paths| watch(paths))?;
                }
                Ok(folder)
            });
            match opened {
                Ok(folder) => self.folders.push(folder),
                Err(error) => {
                    let first = std::error::Error::source(&error);
                    let causes = std::iter::successors(first, |error| error.source());
                    let text = format!("gitops-gen failed to {error}");
                    let text = causes.fold(text, |text, cause| text + ": " + &cause.to_string());
                    self.say::<notification::ShowMessage>(MessageType::ERROR, text);
                }
            }
        }
    }

    /// Forgets a folder and takes back what was said of it.
    fn leave(&mut self, path: &Path) {
        let Some(at) = self.folders.iter().position(|folder| folder.given() == path) else { return };
        let folder = self.folders.remove(at);
        for path in folder.published.keys() {
            let Some(uri) = folder.uri(path) else { continue };
            let params = lsp_types::PublishDiagnosticsParams { uri, diagnostics: Vec::new(), version: None };
            let method = notification::PublishDiagnostics::METHOD.to_owned();
            self.outgoing.push(Message::Notification(Notification::new(method, params)));
        }
    }

    /// Returns the folder that `uri` is in, the innermost where folders are in each other, and its path there.
    fn find(&self, uri: &Uri) -> Option<(&Folder, RepoPath)> {
        let (at, path) = self.index(uri)?;
        Some((self.folders.get(at)?, path))
    }

    fn find_mut(&mut self, uri: &Uri) -> Option<(&mut Folder, RepoPath)> {
        let (at, path) = self.index(uri)?;
        Some((self.folders.get_mut(at)?, path))
    }

    fn index(&self, uri: &Uri) -> Option<(usize, RepoPath)> {
        let path = position::path(uri)?;
        let located = self.folders.iter().enumerate().filter_map(|(at, folder)| Some((at, folder.locate(&path)?)));
        located.min_by_key(|(_, located)| located.parts().count())
    }

    fn say<N: notification::Notification>(&mut self, typ: MessageType, message: String) {
        let params = ShowMessageParams { typ, message };
        self.outgoing.push(Message::Notification(Notification::new(N::METHOD.to_owned(), params)));
    }
}

fn extract(request: Request) -> Result<InitializeParams, String> {
    match request.extract::<InitializeParams>(request::Initialize::METHOD) {
        Ok((_, params)) => Ok(params),
        Err(ExtractError::JsonError { error, .. }) => Err(error.to_string()),
        Err(ExtractError::MethodMismatch(_)) => Err("another method was expected".to_owned()),
    }
}

fn read<P: DeserializeOwned>(params: serde_json::Value) -> Result<P, String> {
    serde_json::from_value(params).map_err(|error| error.to_string())
}

fn to_value(answer: impl serde::Serialize) -> Result<serde_json::Value, String> {
    serde_json::to_value(answer).map_err(|error| error.to_string())
}

fn refusal(id: RequestId, code: ErrorCode, why: String) -> Response {
    Response::new_err(id, code as i32, why)
}
