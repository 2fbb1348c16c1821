-- Lips specs in Neovim: put this file into ~/.config/nvim/plugin/.
vim.filetype.add({ extension = { lips = "lips" } })

vim.api.nvim_create_autocmd("FileType", {
  pattern = "lips",
  callback = function()
    vim.bo.commentstring = "// %s"
    vim.bo.expandtab = true
    vim.bo.shiftwidth = 2
    vim.bo.smartindent = true
    vim.cmd([[
      syntax clear
      syntax keyword lipsKeyword use model block layer input from weights of let repeat as for in if then else claim recipe
      syntax keyword lipsOperator and or not
      syntax keyword lipsBoolean true false
      syntax match lipsNumber /\<\d\+\(\.\d\+\)\?\([eE][+-]\?\d\+\)\?[kMG]\?\>/
      syntax match lipsCall /\h\w*\ze\s*[({]/
      syntax match lipsArgument /\h\w*\ze\s*:/
      syntax region lipsText start=/"/ skip=/\\./ end=/"\|$/
      syntax match lipsComment /\/\/.*$/
      highlight default link lipsKeyword Keyword
      highlight default link lipsOperator Operator
      highlight default link lipsBoolean Boolean
      highlight default link lipsNumber Number
      highlight default link lipsCall Function
      highlight default link lipsArgument Identifier
      highlight default link lipsText String
      highlight default link lipsComment Comment
    ]])
    -- `:make` lists the findings of a spec.
    vim.bo.makeprg = "lips check %"
    vim.bo.errorformat = "%f(%l\\,%c): %trror %m,%f(%l\\,%c): %tarning %m,%f(%l\\,%c): %tnfo %m"
  end,
})
